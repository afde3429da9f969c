{% if kind == "filter" -%}
import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "@tidemill/smartmodule/testing";

import module from "../src/index.js";

test("records with the text are kept", () => {
  const outcome = run(module, ["a chair", "a lamp"], { params: { text: "lamp" } });
  assert.deepEqual(outcome.values(), ["a lamp"]);
});

test("without parameters it looks for errors", () => {
  assert.deepEqual(run(module, ["fine", "an error"]).values(), ["an error"]);
});
{%- elsif kind == "map" -%}
import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "@tidemill/smartmodule/testing";

import module from "../src/index.js";

test("values are in capitals, and keys stay", () => {
  const outcome = run(module, [{ key: "k", value: "one" }]);
  assert.deepEqual(outcome.values(), ["ONE"]);
  assert.equal(outcome.records[0]?.keyText, "k");
});
{%- elsif kind == "filter_map" -%}
import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "@tidemill/smartmodule/testing";

import module from "../src/index.js";

test("numbers are doubled, and all else is left out", () => {
  assert.deepEqual(run(module, ["21", "many", "-4"]).values(), ["42", "-8"]);
});
{%- elsif kind == "flat_map" -%}
import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "@tidemill/smartmodule/testing";

import module from "../src/index.js";

test("each word becomes a record", () => {
  assert.deepEqual(run(module, ["to be", "", " or"]).values(), ["to", "be", "or"]);
});
{%- elsif kind == "validate" -%}
import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "@tidemill/smartmodule/testing";

import module from "../src/index.js";

test("only percentages pass", () => {
  const { records, failed } = run(module, ["50", "101", "many"]);
  assert.deepEqual(records.map(({ text }) => text), ["50"]);
  assert.deepEqual(failed.map(({ reason }) => reason), ["101 is not from 0 to 100", "`many` is not a whole number"]);
});
{%- elsif kind == "aggregate" -%}
import assert from "node:assert/strict";
import { test } from "node:test";

import { run, start } from "@tidemill/smartmodule/testing";

import module from "../src/index.js";

test("sums go on from batch to batch", () => {
  const runner = start(module);
  assert.deepEqual(runner.run(["1", "20"]).values(), ["1", "21"]);
  assert.deepEqual(runner.run(["-300"]).values(), ["-279"]);
});

test("what is no number fails, and the sum stays", () => {
  const { records, failed } = run(module, ["1", "many", "2"]);
  assert.deepEqual(records.map(({ text }) => text), ["1", "3"]);
  assert.deepEqual(failed.map(({ reason }) => reason), ["`many` is not a whole number"]);
});
{%- elsif kind == "join" -%}
import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "@tidemill/smartmodule/testing";

import module from "../src/index.js";

test("pairs of one key are joined", () => {
  const outcome = run(module, [
    { key: "7", value: "a lamp for" },
    { key: "7", value: "Ada" },
    { key: "8", value: "a chair for" },
    { key: "9", value: "Grace" },
  ]);
  assert.deepEqual(outcome.values(), ["a lamp for Ada"]);
});
{%- endif %}
