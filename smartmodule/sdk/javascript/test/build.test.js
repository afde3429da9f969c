// What the builder tells people who made a mistake. That what it builds works is shown by the suite that runs it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "tidemill-build-"));
after(() => rmSync(scratch, { recursive: true }));

/** Runs the builder in a project of these files. */
function tidemill(name, files, ...given) {
  const dir = join(scratch, name);
  mkdirSync(join(dir, "node_modules/@tidemill"), { recursive: true });
  mkdirSync(join(dir, "src"));
  symlinkSync(root, join(dir, "node_modules/@tidemill/smartmodule"));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(dir, path), text);
  const command = join(root, "bin/tidemill-smartmodule.js");
  return spawnSync(process.execPath, [command, ...given], { cwd: dir, encoding: "utf8" });
}

const pack = { "package.json": '{"name": "@a/b", "type": "module"}' };

test("help is printed", () => {
  const { status, stdout } = tidemill("help", pack, "--help");
  assert.equal(status, 0);
  assert.match(stdout, /^Usage: tidemill-smartmodule build/);
});

test("an unknown command or option is refused", () => {
  assert.match(tidemill("command", pack, "make").stderr, /error: there is no command make/);
  const { status, stderr } = tidemill("option", pack, "build", "--fast");
  assert.equal(status, 2);
  assert.match(stderr, /Unknown option '--fast'/);
});

test("a project without a module is told where one is looked for", () => {
  const { status, stderr } = tidemill("none", pack, "build");
  assert.equal(status, 1);
  assert.match(stderr, /none of src\/index.ts, src\/index.js/);
});

test("a mistake in the source is told with its place", () => {
  const { status, stderr } = tidemill("syntax", { ...pack, "src/index.js": "\nexport default filter(;" }, "build");
  assert.equal(status, 1);
  assert.match(stderr, /src\/index.js:2:23: Unexpected ";"/);
});

test("an import that is not there is told", () => {
  const { stderr } = tidemill("import", { ...pack, "src/index.js": 'import "left-pad"; export default 1;' }, "build");
  assert.match(stderr, /src\/index.js:1:8: Could not resolve "left-pad"/);
});

test("a file that exports no module is told what to export", () => {
  const { status, stderr } = tidemill("export", { ...pack, "src/index.js": "export default (record) => true;" }, "build");
  assert.equal(status, 1);
  assert.match(stderr, /src\/index.js: .*the default export is no SmartModule/s);
});

test("a file without a default export is told so", () => {
  const { status, stderr } = tidemill("default", { ...pack, "src/index.js": "export const a = 1;" }, "build");
  assert.equal(status, 1);
  assert.match(stderr, /No matching export .* for import "default"/);
});
