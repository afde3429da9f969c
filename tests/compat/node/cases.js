// The frame of a Node suite: cases by name, one JSON line each, a time limit on every case.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');

const BOOTSTRAP = process.env.BOOTSTRAP;
const CASE_LIMIT_MS = 60_000;
const registered = [];

/** Registers an asynchronous function as a case under a name. */
function test(name, run) {
  registered.push({ name, run });
}

/** A name that no other case or run uses. */
function unique(prefix) {
  return `${prefix}-${crypto.randomBytes(6).toString('hex')}`;
}

/** Waits until `check` answers true. */
async function eventually(check, what, ms = 30_000) {
  const deadline = Date.now() + ms;
  while (!(await check())) {
    assert.ok(Date.now() < deadline, `${what}: did not come true within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function limited(promise) {
  let timer;
  const limit = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the case took longer than ${CASE_LIMIT_MS} ms`)), CASE_LIMIT_MS);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

/** Runs every case, or those whose name holds the first argument. */
async function main() {
  const wanted = process.argv[2] ?? '';
  for (const { name, run } of registered.filter((entry) => entry.name.includes(wanted))) {
    let result = { case: name, ok: true, detail: '' };
    try {
      await limited(run());
    } catch (error) {
      console.error(error);
      result = { case: name, ok: false, detail: String(error.message ?? error).slice(0, 600) };
    }
    console.log(JSON.stringify(result));
  }
  // A client that hangs in its own shutdown must not hold up the suite.
  process.exit(0);
}

module.exports = { BOOTSTRAP, assert, eventually, main, test, unique };
