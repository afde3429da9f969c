import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

test("the interface is that of the contract", () => {
  const text = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
  assert.equal(text("../wit/smartmodule.wit"), text("../../../../contract/wit/smartmodule.wit"));
});
