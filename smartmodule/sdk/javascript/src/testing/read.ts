// The host's half of the contract that a test needs: what an answer says.

import { decodeUtf8, fromBinary, toBinary } from "../binary.js";
import { toBytes } from "../output.js";
import type { Header } from "../record.js";
import { readVarint } from "../varint.js";
import type { WholeRecord } from "./write.js";

/** A record that came out. */
export class OutRecord {
  /** The number of the record that it came of. */
  readonly source: number;
  /** Its key. */
  readonly key: Uint8Array | null;
  /** Its value. */
  readonly value: Uint8Array | null;
  /** Its headers. */
  readonly headers: readonly Header[];
  /** Milliseconds since 1970. */
  readonly timestamp: number;

  /** @internal */
  constructor(fields: {
    source: number;
    key: Uint8Array | null;
    value: Uint8Array | null;
    headers: readonly Header[];
    timestamp: number;
  }) {
    this.source = fields.source;
    this.key = fields.key;
    this.value = fields.value;
    this.headers = fields.headers;
    this.timestamp = fields.timestamp;
  }

  /** Its value as text; `null` when there is none. */
  get text(): string | null {
    return this.value === null ? null : decodeUtf8(toBinary(this.value));
  }

  /** Its value, read as JSON. */
  json<T = unknown>(): T {
    return JSON.parse(this.text ?? "") as T;
  }

  /** Its key as text; `null` when there is none. */
  get keyText(): string | null {
    return this.key === null ? null : decodeUtf8(toBinary(this.key));
  }

  /** The value of the last header of that name, as text; `null` when there is none. */
  headerText(name: string): string | null {
    const value = this.headers.findLast(([other]) => other === name)?.[1];
    return value == null ? null : decodeUtf8(toBinary(value));
  }
}

/** What an answer says. */
export interface Answer {
  readonly records: readonly OutRecord[];
  readonly failed: readonly { readonly index: number; readonly reason: string }[];
  /** As a binary string. */
  readonly accumulator: string | undefined;
}

const HEADER = 16;

/** Reads bytes front to back. */
class Reader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  varint(): number {
    return readVarint(this.bytes, this);
  }

  take(length: number): Uint8Array {
    if (length < 0 || this.at + length > this.bytes.length) throw new Error("the bytes of an answer end too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  nullable(): Uint8Array | null {
    const length = this.varint();
    return length === -1 ? null : this.take(length);
  }

  text(): string {
    return decodeUtf8(toBinary(this.take(this.varint())));
  }
}

/** Reads the answer to a frame of `asked`, and holds it to the contract. */
export function readAnswer(bytes: Uint8Array, asked: readonly WholeRecord[], baseTimestamp = 0): Answer {
  if (bytes.length < HEADER || bytes[0] !== 1) throw new Error("these bytes are no answer of version 1");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [kind, flags] = [view.getUint8(1), view.getUint8(2)];
  if (kind > 1 || flags > 1) throw new Error("the header of an answer is not valid");
  const reader = new Reader(bytes, HEADER);
  const count = view.getUint32(4, true);
  const records = kind === 0 ? readSelection(reader, count, asked) : readRecords(reader, count, { asked: asked.length, baseTimestamp });
  const failed = readFailed(reader, view.getUint32(8, true), asked.length);
  const accumulator = toBinary(reader.take(view.getUint32(12, true)));
  if (flags === 0 && accumulator !== "") throw new Error("an answer has an accumulator that it does not name");
  if (reader.at !== bytes.length) throw new Error("there are bytes after the end of an answer");
  return { records, failed, accumulator: flags === 0 ? undefined : accumulator };
}

function readSelection(reader: Reader, count: number, asked: readonly WholeRecord[]): OutRecord[] {
  if (count !== asked.length) throw new Error(`a selection of ${count} records answers a frame of ${asked.length}`);
  const bits = reader.take((count + 7) >> 3);
  const has = (index: number): boolean => (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
  for (let beyond = count; beyond < bits.length * 8; beyond++) {
    if (has(beyond)) throw new Error("a selection has bits beyond the last record");
  }
  return asked.flatMap((record, source) => (has(source) ? [kept(record, source)] : []));
}

function kept(record: WholeRecord, source: number): OutRecord {
  const bytes = (part: string | Uint8Array | null): Uint8Array | null =>
    part === null ? null : fromBinary(toBytes(part));
  return new OutRecord({
    source,
    key: bytes(record.key),
    value: bytes(record.value),
    headers: record.headers.map(([name, value]) => [name, bytes(value)]),
    timestamp: record.timestamp,
  });
}

function readRecords(
  reader: Reader,
  count: number,
  frame: { asked: number; baseTimestamp: number },
): OutRecord[] {
  const records: OutRecord[] = [];
  let before = 0;
  for (let read = 0; read < count; read++) {
    const source = reader.varint();
    if (source < before || source >= frame.asked) throw new Error(`a record comes of record ${source}, which is out of order`);
    before = source;
    const length = reader.varint();
    const end = reader.at + length;
    reader.take(1);
    const timestamp = frame.baseTimestamp + reader.varint();
    reader.varint(); // The offset, which is that of the source.
    const [key, value] = [reader.nullable(), reader.nullable()];
    const headers: Header[] = [];
    for (let left = reader.varint(); left > 0; left--) headers.push([reader.text(), reader.nullable()]);
    if (reader.at !== end) throw new Error("the parts of a record do not add up to its length");
    records.push(new OutRecord({ source, key, value, headers, timestamp }));
  }
  return records;
}

function readFailed(reader: Reader, count: number, asked: number): { index: number; reason: string }[] {
  const failed: { index: number; reason: string }[] = [];
  let before = -1;
  for (let read = 0; read < count; read++) {
    const index = reader.varint();
    if (index <= before || index >= asked) throw new Error(`record ${index} failed, which is out of order`);
    before = index;
    failed.push({ index, reason: reader.text() });
  }
  return failed;
}

/** The text of a failure. */
export function readFailure(bytes: Uint8Array): string {
  return decodeUtf8(toBinary(bytes.subarray(4)));
}
