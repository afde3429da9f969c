import { encodeUtf8, toBinary } from "./binary.js";
import type { Frame } from "./frame.js";
import type { InputRecord } from "./record.js";
import { varint } from "./varint.js";

/** Text, which is written as UTF-8, or bytes. */
export type Bytes = string | Uint8Array;

/** Headers to write: pairs of name and value, or an object. */
export type NewHeaders =
  | Iterable<readonly [name: string, value: Bytes | null]>
  | { readonly [name: string]: Bytes | null };

/** What is to be different in a record. */
export interface Change {
  /** The key; `null` for none. */
  readonly key?: Bytes | null;
  /** The value; `null` for none, a tombstone. */
  readonly value?: Bytes | null;
  /** All headers. To add one: `[...record.headers, ["name", "value"]]`. */
  readonly headers?: NewHeaders;
  /** Milliseconds since 1970, a whole number. */
  readonly timestamp?: number;
}

/** A record to write; {@link InputRecord.with} makes one. */
export class OutputRecord {
  private readonly source: InputRecord;
  private readonly change: Change;

  /** @internal */
  constructor(source: InputRecord, change: Change) {
    this.source = source;
    this.change = change;
  }

  /** This record with more changes. */
  with(change: Change): OutputRecord {
    return new OutputRecord(this.source, { ...this.change, ...change });
  }

  /** @internal As it is written in an answer to `frame`, without its length. */
  written(frame: Frame): string {
    const { source, change } = this;
    const value = change.value === undefined ? source.rawValue : nullable(change.value);
    const headers = change.headers === undefined ? source.rawHeaders : writeHeaders(change.headers);
    if (change.timestamp === undefined && change.key === undefined) return source.rawBegin(frame) + value + headers;
    const timestamp = change.timestamp === undefined ? source.timestamp : whole(change.timestamp);
    const key = change.key === undefined ? source.rawKey : nullable(change.key);
    return "\0" + varint(timestamp - frame.baseTimestamp) + "\0" + key + value + headers;
  }
}

/**
 * What a function may answer for a record: the record itself to pass it on as it is, a changed one, or text or bytes, which
 * become the value of a record that is otherwise the same.
 */
export type Output = InputRecord | OutputRecord | Bytes;

/** Bytes with their length before them. */
export function nullable(bytes: Bytes | null): string {
  if (bytes === null) return "\x01";
  const binary = toBytes(bytes);
  return varint(binary.length) + binary;
}

/** Text or bytes as a binary string. */
export function toBytes(bytes: Bytes): string {
  if (typeof bytes === "string") return encodeUtf8(bytes);
  if (bytes instanceof Uint8Array) return toBinary(bytes);
  throw new TypeError(`keys, values and headers are text or a Uint8Array, not ${named(bytes)}`);
}

/** Headers with their number before them. */
function writeHeaders(headers: NewHeaders): string {
  const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
  let count = 0;
  let written = "";
  for (const [name, value] of pairs) {
    written += nullable(name) + nullable(value);
    count++;
  }
  return varint(count) + written;
}

function whole(timestamp: number): number {
  if (!Number.isSafeInteger(timestamp)) {
    throw new TypeError(`a timestamp is a whole number of milliseconds, not ${timestamp}`);
  }
  return timestamp;
}

/** What something is, for messages. */
export function named(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value instanceof Promise) return "a promise: a SmartModule answers at once, so its functions cannot be async";
  if (typeof value === "object") return `an object (${value.constructor?.name ?? "no class"})`;
  return `a ${typeof value}`;
}
