import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeUtf8, encodeUtf8, fromBinary, toBinary } from "../dist/binary.js";
import { readVarint, varint } from "../dist/varint.js";

const every = Uint8Array.from({ length: 250_000 }, (_, at) => (at * 7) & 0xff);

test("bytes survive as a binary string", () => {
  assert.deepEqual(fromBinary(toBinary(every)), every);
  assert.equal(toBinary(new Uint8Array()), "");
  assert.equal(toBinary(every).length, every.length);
});

test("engines with base64 on byte arrays give the same", () => {
  // What QuickJS has and Node 20 has not.
  Object.defineProperty(Uint8Array.prototype, "toBase64", {
    configurable: true,
    value() {
      return Buffer.from(this).toString("base64");
    },
  });
  Uint8Array.fromBase64 = (text) => new Uint8Array(Buffer.from(text, "base64"));
  try {
    assert.deepEqual(fromBinary(toBinary(every)), every);
  } finally {
    delete Uint8Array.prototype.toBase64;
    delete Uint8Array.fromBase64;
  }
});

test("text becomes the UTF-8 that everybody else writes", () => {
  for (const text of ["", "plain", "größe", "日本語", "🙂", "a\0b", "%41"]) {
    const utf8 = encodeUtf8(text);
    assert.equal(utf8, Buffer.from(text, "utf8").toString("latin1"));
    assert.equal(decodeUtf8(utf8), text);
  }
});

test("half of a surrogate pair becomes U+FFFD", () => {
  for (const text of ["a\ud800b", "\udc00", "\ud83d\ude42\ud83d", "x\udfff\ud83d\ude42"]) {
    assert.equal(encodeUtf8(text), Buffer.from(text, "utf8").toString("latin1"));
  }
});

test("what is not UTF-8 is refused", () => {
  for (const binary of ["\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "a\x80", "\xf5\x80\x80\x80"]) {
    assert.throws(() => decodeUtf8(binary), /UTF-8/, Buffer.from(binary, "latin1").toString("hex"));
  }
});

test("numbers of every length survive", () => {
  for (let bits = 0; bits < 53; bits++) {
    for (const value of [2 ** bits, 2 ** bits - 1, -(2 ** bits)]) {
      const place = { at: 0 };
      const written = fromBinary(varint(value));
      assert.equal(readVarint(written, place), value === 0 ? 0 : value);
      assert.equal(place.at, written.length);
    }
  }
});

test("numbers of more than 64 bits are refused", () => {
  assert.throws(() => readVarint(new Uint8Array(11).fill(0xff), { at: 0 }), /64 bits/);
  assert.throws(() => readVarint(new Uint8Array([...new Uint8Array(9).fill(0xff), 2]), { at: 0 }), /64 bits/);
  assert.throws(() => readVarint(new Uint8Array([0x80]), { at: 0 }), /end/);
});
