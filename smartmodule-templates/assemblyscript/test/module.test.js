import assert from "node:assert/strict";
import { test } from "node:test";

import { start } from "./tidemill.js";

const file = "dist/{{project-name}}.wasm";

{% if kind == "filter" -%}
test("records with the text are kept", () => {
  const { values } = start(file, { text: "lamp" }).run([{ value: "a chair" }, { value: "a lamp" }]);
  assert.deepEqual(values, ["a lamp"]);
});
{%- elsif kind == "map" -%}
test("values are in capitals, and keys stay", () => {
  const { records } = start(file).run([{ key: "k", value: "one" }, { value: "Two 2" }]);
  assert.deepEqual(records, [
    { source: 0, key: "k", value: "ONE" },
    { source: 1, key: null, value: "TWO 2" },
  ]);
});
{%- elsif kind == "filter_map" -%}
test("numbers are doubled, and all else is left out", () => {
  const { values } = start(file).run([{ value: "21" }, { value: "many" }, { value: "-4" }]);
  assert.deepEqual(values, ["42", "-8"]);
});
{%- elsif kind == "flat_map" -%}
test("each word becomes a record", () => {
  const { values } = start(file).run([{ value: "to be" }, { value: "" }, { value: "or" }]);
  assert.deepEqual(values, ["to", "be", "or"]);
});
{%- elsif kind == "validate" -%}
test("only percentages pass", () => {
  const { values, failed } = start(file).run([{ value: "50" }, { value: "101" }, { value: "many" }]);
  assert.deepEqual(values, ["50"]);
  assert.deepEqual(failed, [
    { index: 1, reason: "101 is not from 0 to 100" },
    { index: 2, reason: "`many` is not a whole number" },
  ]);
});
{%- elsif kind == "aggregate" -%}
test("sums go on from batch to batch", () => {
  const module = start(file);
  assert.deepEqual(module.run([{ value: "1" }, { value: "20" }]).values, ["1", "21"]);
  assert.deepEqual(module.run([{ value: "-300" }]).values, ["-279"]);
});
{%- elsif kind == "join" -%}
test("pairs of one key are joined", () => {
  const { values } = start(file).run([
    { key: "7", value: "a lamp for" },
    { key: "7", value: "Ada" },
    { key: "8", value: "a chair for" },
    { key: "9", value: "Grace" },
  ]);
  assert.deepEqual(values, ["a lamp for Ada"]);
});
{%- endif %}
