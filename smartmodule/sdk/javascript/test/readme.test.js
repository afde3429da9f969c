// The examples of the README are tests: each block of JavaScript runs in a directory of its own.

import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/```(js|ts|json)\n([\s\S]*?)```/g)].map(([, language, text]) => ({ language, text }));
const scratch = mkdtempSync(join(tmpdir(), "tidemill-readme-"));
after(() => rmSync(scratch, { recursive: true }));

/** The file that a block says it is, in a comment at its beginning. */
function fileOf({ language, text }, at) {
  return /^\/\/ (\S+\.(?:js|ts|json))\n/.exec(text)?.[1] ?? `example-${at}.${language}`;
}

mkdirSync(join(scratch, "node_modules/@tidemill"), { recursive: true });
symlinkSync(root, join(scratch, "node_modules/@tidemill/smartmodule"));
writeFileSync(join(scratch, "package.json"), JSON.stringify({ type: "module" }));
const files = blocks.map((block, at) => ({ ...block, file: fileOf(block, at) }));
for (const { file, text } of files) {
  mkdirSync(dirname(join(scratch, file)), { recursive: true });
  writeFileSync(join(scratch, file), text);
}

test("there are examples", () => assert.ok(files.filter(({ language }) => language === "js").length >= 5));

for (const { file, language, text } of files) {
  if (language !== "js") continue;
  test(`${file} runs`, () => {
    const given = text.includes("node:test") ? ["--test", file] : [file];
    const { status, stdout, stderr } = spawnSync(process.execPath, given, {
      cwd: scratch, encoding: "utf8", env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    });
    assert.equal(status, 0, stdout + stderr);
    if (text.includes("node:test")) assert.match(stdout, /^# pass [1-9]/m);
  });
}
