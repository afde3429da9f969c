// Runs the built module on records: as a server does, and without one.

import { readFileSync } from "node:fs";

const utf8 = new TextEncoder();
const text = new TextDecoder();

function varint(number) {
  let rest = BigInt.asUintN(64, (BigInt(number) << 1n) ^ (BigInt(number) >> 63n));
  const bytes = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

const nullable = (value) => (value == null ? varint(-1) : [...varint(utf8.encode(value).length), ...utf8.encode(value)]);

function record({ key, value }, index) {
  const body = [0, ...varint(0), ...varint(index), ...nullable(key), ...nullable(value), ...varint(0)];
  return [...varint(body.length), ...body];
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  varint() {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number((value >> 1n) ^ -(value & 1n));
    }
  }

  text() {
    const length = this.varint();
    if (length < 0) return null;
    this.at += length;
    return text.decode(this.bytes.subarray(this.at - length, this.at));
  }

  record() {
    const source = this.varint();
    this.varint();
    this.at++;
    this.varint();
    this.varint();
    const [key, value] = [this.text(), this.text()];
    for (let headers = this.varint(); headers > 0; headers--) this.text(), this.text();
    return { source, key, value };
  }
}

/** Starts a module with parameters. */
export function start(file, params = {}) {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), {
    tidemill: { log: (_, at, length) => console.log(text.decode(new Uint8Array(exports.memory.buffer, at, length))) },
  });
  const { exports } = instance;
  exports._initialize();
  const call = (name, bytes) => {
    const at = exports.tm_alloc(bytes.length);
    new Uint8Array(exports.memory.buffer, at, bytes.length).set(bytes);
    const packed = BigInt.asUintN(64, exports[name](at, bytes.length));
    const length = Number(packed & 0x7fffffffn);
    const reply = new Uint8Array(exports.memory.buffer, Number(packed >> 32n), length).slice();
    if (length) exports.tm_free(Number(packed >> 32n), length);
    exports.tm_free(at, bytes.length);
    if (packed & 0x80000000n) throw new Error(text.decode(reply.subarray(4)));
    return reply;
  };
  call("tm_init", utf8.encode(JSON.stringify({ params, place: "a test" })));
  let accumulator = new Uint8Array();
  return {
    /** Runs one batch of `{ key, value }`. A join takes pairs. */
    run(records) {
      const head = new DataView(new ArrayBuffer(32));
      head.setUint8(0, 1);
      head.setUint32(4, records.length, true);
      head.setUint32(24, accumulator.length, true);
      const frame = [...new Uint8Array(head.buffer), ...accumulator, ...records.flatMap(record)];
      const answer = call("tm_process", Uint8Array.from(frame));
      const view = new DataView(answer.buffer);
      const count = view.getUint32(4, true);
      const reader = new Reader(answer);
      reader.at = 16;
      let made = [];
      if (answer[1] === 1) for (let left = count; left > 0; left--) made.push(reader.record());
      else {
        made = records.map((each, source) => ({ ...each, source })).filter((_, at) => (answer[16 + (at >> 3)] >> (at & 7)) & 1);
        reader.at += (count + 7) >> 3;
      }
      const failed = Array.from({ length: view.getUint32(8, true) }, () => ({ index: reader.varint(), reason: reader.text() }));
      if (answer[2] & 1) accumulator = answer.slice(reader.at);
      return { records: made, values: made.map(({ value }) => value), failed };
    },
  };
}
