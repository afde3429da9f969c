// The vectors that every language is held to. They are written by another program, from the specification alone.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { Records, Selection } from "../dist/answer.js";
import { fromBinary, toBinary } from "../dist/binary.js";
import { Frame } from "../dist/frame.js";
import { InputRecord } from "../dist/record.js";
import { readAnswer } from "../dist/testing/read.js";
import { writeFrame } from "../dist/testing/write.js";

const vectors = JSON.parse(
  readFileSync(new URL("../../../../contract/frame/vectors/vectors.json", import.meta.url), "utf8"),
);
const bytes = (hex) => (hex === null ? null : new Uint8Array(Buffer.from(hex, "hex")));
const hex = (given) => (given === null ? null : Buffer.from(given).toString("hex"));
const said = ({ key, value, headers, timestamp }) => ({
  key: hex(key),
  value: hex(value),
  headers: headers.map(([name, content]) => [name, hex(content)]),
  timestamp,
});

/** Reads a frame to its end. */
function readAll(given) {
  const frame = new Frame(given);
  if (frame.count > given.length) throw new Error("more records than bytes");
  const records = Array.from({ length: frame.count }, () => new InputRecord(frame));
  frame.finish();
  return { frame, records };
}

/** Records to answer for, whose timestamps count from `baseTimestamp`. */
function asked(count, baseTimestamp) {
  const whole = Array.from({ length: count }, (_, offset) => ({ offset, timestamp: 0, key: null, value: "v", headers: [] }));
  const frame = writeFrame(0, 0, whole, "");
  new DataView(frame.buffer).setBigInt64(16, BigInt(baseTimestamp), true);
  return { whole, ...readAll(frame) };
}

describe("frames say what they should", () => {
  assert.ok(vectors.frames.length > 5);
  for (const vector of vectors.frames) {
    test(vector.name, () => {
      const { frame, records } = readAll(bytes(vector.hex));
      assert.equal(["records", "look_back", "aggregate", "join"][frame.kind], vector.kind);
      assert.equal(frame.baseOffset, vector.baseOffset);
      assert.equal(frame.stamped, vector.stamped);
      assert.equal(hex(frame.accumulator), vector.accumulator);
      assert.deepEqual(
        records.map((record) => ({ offset: record.offset ?? -1, ...said(record) })),
        vector.records,
      );
    });
  }
});

describe("answers are written as they should be", () => {
  assert.ok(vectors.answers.length > 5);
  for (const vector of vectors.answers) {
    test(vector.name, () => {
      const { frame, records } = asked(vector.count, vector.baseTimestamp);
      const answer = vector.selection === null ? new Records(frame) : new Selection(frame);
      for (const index of vector.selection ?? []) answer.keep(index);
      for (const { source, timestamp, key, value, headers } of vector.records ?? []) {
        const pairs = headers.map(([name, content]) => [name, bytes(content)]);
        answer.push(source, records[source], records[source].with({
          timestamp, key: bytes(key), value: bytes(value), headers: pairs,
        }));
      }
      for (const [index, why] of vector.failed) answer.fail(index, why);
      const accumulator = vector.accumulator === null ? undefined : toBinary(bytes(vector.accumulator));
      assert.equal(hex(answer.finish(accumulator)), vector.hex);
    });
  }
});

test("a record of an earlier batch keeps its time", () => {
  const [earlier, later] = [asked(1, 1000), asked(3, 5000)];
  const answer = new Records(later.frame);
  answer.push(0, later.records[0], earlier.records[0]);
  answer.push(1, later.records[1], earlier.records[0].with({ value: "w" }));
  answer.push(2, later.records[2], earlier.records[0].with({ timestamp: 4000 }));
  const { records } = readAnswer(answer.finish(), later.whole, 5000);
  assert.deepEqual(records.map(({ timestamp, text }) => [timestamp, text]), [[1000, "v"], [1000, "w"], [4000, "v"]]);
});

describe("answers say what they should", () => {
  for (const vector of vectors.answers) {
    test(vector.name, () => {
      const { whole } = asked(vector.count, vector.baseTimestamp);
      const answer = readAnswer(bytes(vector.hex), whole, vector.baseTimestamp);
      assert.deepEqual(answer.failed.map(({ index, reason }) => [index, reason]), vector.failed);
      assert.equal(answer.accumulator === undefined ? null : hex(fromBinary(answer.accumulator)), vector.accumulator);
      if (vector.selection !== null) {
        assert.deepEqual(answer.records.map((record) => record.source), vector.selection);
        return;
      }
      assert.deepEqual(answer.records.map((record) => ({ source: record.source, ...said(record) })), vector.records);
    });
  }
});

describe("bad bytes are refused", () => {
  assert.ok(vectors.refusedFrames.length > 3 && vectors.refusedAnswers.length > 3);
  for (const vector of vectors.refusedFrames) {
    test(`frame: ${vector.name}`, () => assert.throws(() => readAll(bytes(vector.hex)), Error));
  }
  for (const vector of vectors.refusedAnswers) {
    test(`answer: ${vector.name}`, () => {
      const { whole } = asked(vector.count, 0);
      assert.throws(() => readAnswer(bytes(vector.hex), whole), Error);
    });
  }
  test("frames cut anywhere", () => {
    const whole = bytes(vectors.frames.find(({ name }) => name.startsWith("three records")).hex);
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => readAll(whole.slice(0, length)), Error, `cut after ${length} bytes`);
    }
  });
  test("frames with any byte changed are read or refused, and never loop", () => {
    const whole = bytes(vectors.frames.find(({ name }) => name.startsWith("three records")).hex);
    for (let at = 0; at < whole.length; at++) {
      for (const byte of [0, 1, 0x7f, 0x80, 0xff]) {
        const changed = whole.slice();
        changed[at] = byte;
        try {
          for (const record of readAll(changed).records) void [record.key, record.value, record.headers];
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      }
    }
  });
});
