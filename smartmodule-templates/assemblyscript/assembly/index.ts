{% if kind == "filter" -%}
// Keeps records whose value contains a text.

import { About, Param, Record, filter, param } from "./tidemill";

filter(
  new About("{{project-name}}", "0.1.0", "Keeps records whose value contains a text.", [
    new Param("text", "string", '"error"', "What to look for"),
  ]),
  (record: Record): bool => record.text().includes(param("text")),
);
{%- elsif kind == "map" -%}
// Writes values in capitals.

import { About, Record, emit, map } from "./tidemill";

map(new About("{{project-name}}", "0.1.0", "Writes values in capitals."), (record: Record): void => {
  emit(record.withText(record.text().toUpperCase()));
});
{%- elsif kind == "filter_map" -%}
// Doubles numbers, and leaves out what is none.

import { About, Record, emit, filterMap, isInteger } from "./tidemill";

filterMap(
  new About("{{project-name}}", "0.1.0", "Doubles numbers, and leaves out what is none."),
  (record: Record): void => {
    const text = record.text();
    if (isInteger(text)) emit(record.withText((2 * I64.parseInt(text.trim())).toString()));
  },
);
{%- elsif kind == "flat_map" -%}
// Makes a record of each word.

import { About, Record, emit, flatMap } from "./tidemill";

flatMap(new About("{{project-name}}", "0.1.0", "Makes a record of each word."), (record: Record): void => {
  const words = record.text().split(" ");
  for (let at = 0; at < words.length; at++) {
    if (words[at].length > 0) emit(record.withText(words[at]));
  }
});
{%- elsif kind == "validate" -%}
// Refuses values that are not numbers from 0 to 100.

import { About, Record, fail, isInteger, validate } from "./tidemill";

validate(
  new About("{{project-name}}", "0.1.0", "Refuses values that are not numbers from 0 to 100."),
  (record: Record): void => {
    const text = record.text();
    if (!isInteger(text)) {
      fail("`" + text + "` is not a whole number");
      return;
    }
    const number = I64.parseInt(text.trim());
    if (number < 0 || number > 100) fail(number.toString() + " is not from 0 to 100");
  },
);
{%- elsif kind == "aggregate" -%}
// Adds up numbers.

import { About, Record, aggregate, fail, isInteger } from "./tidemill";

aggregate(
  new About("{{project-name}}", "0.1.0", "Adds up numbers."),
  (accumulator: string, record: Record): string => {
    const text = record.text();
    if (!isInteger(text)) {
      fail("`" + text + "` is not a whole number");
      return accumulator;
    }
    const soFar: i64 = accumulator.length > 0 ? I64.parseInt(accumulator) : 0;
    return (soFar + I64.parseInt(text.trim())).toString();
  },
);
{%- elsif kind == "join" -%}
// Puts the left value before the right one, where the keys agree.

import { About, Record, emit, join } from "./tidemill";

join(
  new About("{{project-name}}", "0.1.0", "Puts the left value before the right one, where the keys agree."),
  (left: Record, right: Record): void => {
    if (left.sameKey(right)) emit(left.withText(left.text() + " " + right.text()));
  },
);
{%- endif %}

export { tm_alloc, tm_describe, tm_free, tm_init, tm_process } from "./tidemill";
