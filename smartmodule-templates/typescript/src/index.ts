{% if kind == "filter" -%}
import { filter, param } from "@tidemill/smartmodule";

export default filter(
  {
    description: "Keeps records whose value contains a text.",
    params: { text: param.string({ default: "error", description: "What to look for" }) },
  },
  (record, { params }) => record.includes(params.text),
);
{%- elsif kind == "map" -%}
import { map } from "@tidemill/smartmodule";

export default map({ description: "Writes values in capitals." }, (record) => record.text().toUpperCase());
{%- elsif kind == "filter_map" -%}
import { filterMap } from "@tidemill/smartmodule";

export default filterMap({ description: "Doubles numbers, and leaves out what is none." }, (record) => {
  const text = record.text().trim();
  return /^-?\d+$/.test(text) ? String(2 * Number(text)) : null;
});
{%- elsif kind == "flat_map" -%}
import { flatMap } from "@tidemill/smartmodule";

export default flatMap({ description: "Makes a record of each word." }, (record) => record.text().match(/\S+/g) ?? []);
{%- elsif kind == "validate" -%}
import { validate } from "@tidemill/smartmodule";

export default validate({ description: "Refuses values that are not numbers from 0 to 100." }, (record) => {
  const text = record.text();
  if (!/^-?\d+$/.test(text)) return `\`${text}\` is not a whole number`;
  const number = Number(text);
  return (number >= 0 && number <= 100) || `${number} is not from 0 to 100`;
});
{%- elsif kind == "aggregate" -%}
import { aggregate } from "@tidemill/smartmodule";

export default aggregate({ description: "Adds up numbers.", initial: 0 }, (sum, record) => {
  const text = record.text();
  if (!/^-?\d+$/.test(text)) throw new Error(`\`${text}\` is not a whole number`);
  return sum + Number(text);
});
{%- elsif kind == "join" -%}
import { join } from "@tidemill/smartmodule";

export default join(
  { description: "Puts the left value before the right one, where the keys agree." },
  (left, right) => (left.keyText() === right.keyText() ? `${left.text()} ${right.text()}` : null),
);
{%- endif %}
