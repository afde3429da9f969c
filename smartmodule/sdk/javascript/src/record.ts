import { decodeUtf8 } from "./binary.js";
import type { Frame } from "./frame.js";
import { OutputRecord } from "./output.js";
import type { Change } from "./output.js";
import { readVarint } from "./varint.js";

/** A header of a record: its name, and its value or `null`. */
export type Header = readonly [name: string, value: Uint8Array | null];

/**
 * A record of the stream.
 *
 * Nothing is copied or decoded until it is asked for. {@link InputRecord.includes | includes()} is the fastest way to look
 * for a text, {@link InputRecord.text | text()} and {@link InputRecord.json | json()} come next; a loop over the bytes of
 * {@link InputRecord.value | value} is many times slower than they are. A record may be kept after the function that got
 * it has returned, but it keeps its whole batch in memory.
 */
export class InputRecord {
  private readonly frame: Frame;
  private readonly offsetDelta: number;
  // Each part begins with its length and ends where the next one begins.
  private readonly keyAt: number;
  private readonly keyLength: number;
  private readonly valueAt: number;
  private readonly valueLength: number;
  private readonly headersAt: number;
  private readonly end: number;
  /** Less the frame's base timestamp. */
  private readonly timestampDelta: number;

  /**
   * Reads the next record of `frame`. One function on purpose, with the short numbers read in place: calls are what costs in
   * an interpreter. Beyond the end of the bytes lies `undefined`, which counts as 0 and is found out at the end.
   * @internal
   */
  constructor(frame: Frame) {
    const bytes = frame.bytes;
    let at = frame.at;
    const long = (): number => {
      frame.at = at - 1;
      const value = readVarint(bytes, frame);
      at = frame.at;
      return value;
    };
    let byte = bytes[at++] as number;
    const length = byte > 127 ? long() : (byte >>> 1) ^ -(byte & 1);
    const end = at + length;
    if (length < 0 || !(end <= bytes.length)) throw new Error("the bytes end within a record");
    at++; // The attributes, which say nothing.
    byte = bytes[at++] as number;
    const timestampDelta = byte > 127 ? long() : (byte >>> 1) ^ -(byte & 1);
    byte = bytes[at++] as number;
    this.offsetDelta = byte > 127 ? long() : (byte >>> 1) ^ -(byte & 1);
    this.keyAt = at;
    byte = bytes[at++] as number;
    const keyLength = byte > 127 ? long() : (byte >>> 1) ^ -(byte & 1);
    if (keyLength > 0) at += keyLength;
    this.valueAt = at;
    byte = bytes[at++] as number;
    const valueLength = byte > 127 ? long() : (byte >>> 1) ^ -(byte & 1);
    if (valueLength > 0) at += valueLength;
    this.headersAt = at;
    byte = bytes[at++] as number;
    if (byte !== 0) {
      let count = byte > 127 ? long() : (byte >>> 1) ^ -(byte & 1);
      if (count < 0) throw new Error("a record has a negative number of headers");
      for (; count > 0 && at < end; count--) {
        byte = bytes[at++] as number;
        const name = byte > 127 ? long() : (byte >>> 1) ^ -(byte & 1);
        if (name < 0) throw new Error("a header has a name of negative length");
        at += name;
        byte = bytes[at++] as number;
        const value = byte > 127 ? long() : (byte >>> 1) ^ -(byte & 1);
        if (value < -1) throw new Error("a header has a value of negative length");
        if (value > 0) at += value;
      }
      if (count > 0) throw new Error("the bytes of a record end within its headers");
    }
    if (keyLength < -1 || valueLength < -1) throw new Error("a record has a key or value of negative length");
    if (at !== end) throw new Error("the parts of a record do not add up to its length");
    this.frame = frame;
    this.timestampDelta = frame.stamped ? 0 : timestampDelta;
    this.keyLength = keyLength;
    this.valueLength = valueLength;
    this.end = end;
    frame.at = end;
  }

  /** Its key; `null` is not the same as empty. It lies within the batch: do not change it. */
  get key(): Uint8Array | null {
    return this.keyLength < 0 ? null : this.frame.bytes.subarray(this.valueAt - this.keyLength, this.valueAt);
  }

  /** Its value; `null` (a tombstone) is not the same as empty. It lies within the batch: do not change it. */
  get value(): Uint8Array | null {
    return this.valueLength < 0 ? null : this.frame.bytes.subarray(this.headersAt - this.valueLength, this.headersAt);
  }

  /** Milliseconds since 1970; -1 when the producer gave none. */
  get timestamp(): number {
    return this.frame.baseTimestamp + this.timestampDelta;
  }

  /** Its offset in the partition; `null` on ingest, where it has none yet. */
  get offset(): number | null {
    return this.frame.baseOffset < 0 ? null : this.frame.baseOffset + this.offsetDelta;
  }

  /**
   * Its value as text.
   * @throws `Error` if there is no value, or it is not UTF-8. Left uncaught, the record fails with that message.
   */
  text(): string {
    if (this.valueLength < 0) throw new Error("the record has no value");
    return decode(this.frame.binary.substring(this.headersAt - this.valueLength, this.headersAt), "the value");
  }

  /**
   * Its value, read as JSON. The type is what you say it is: nothing checks it.
   * @throws `Error` if there is no value, it is not UTF-8, or not JSON. Left uncaught, the record fails with that message.
   */
  json(): unknown;
  json<T>(): T;
  json(): unknown {
    const text = this.text();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(`the value is not JSON: ${(error as Error).message}`);
    }
  }

  /**
   * Its key as text; `null` when there is none.
   * @throws `Error` if it is not UTF-8.
   */
  keyText(): string | null {
    if (this.keyLength < 0) return null;
    return decode(this.frame.binary.substring(this.valueAt - this.keyLength, this.valueAt), "the key");
  }

  /**
   * Whether its value has `text` in it, letter for letter. Nothing is decoded, and a batch is searched once as a whole: the
   * fastest question there is. A record without a value has no text in it.
   */
  includes(text: string): boolean {
    if (this.valueLength < 0) return false;
    return this.frame.includes(text, this.headersAt - this.valueLength, this.headersAt);
  }

  /** Its headers, in order; names may repeat. Made anew at each call: keep it if you need it twice. */
  get headers(): Header[] {
    const { bytes, binary } = this.frame;
    const place = { at: this.headersAt };
    const headers: Header[] = [];
    for (let count = readVarint(bytes, place); count > 0; count--) {
      const length = readVarint(bytes, place);
      const name = decode(binary.substring(place.at, place.at + length), "the name of a header");
      place.at += length;
      const valueLength = readVarint(bytes, place);
      const begin = place.at;
      if (valueLength > 0) place.at += valueLength;
      headers.push([name, valueLength < 0 ? null : bytes.subarray(begin, place.at)]);
    }
    return headers;
  }

  /** The value of the last header of that name: `undefined` when there is no such header, `null` when it has no value. */
  header(name: string): Uint8Array | null | undefined {
    return this.headers.findLast(([other]) => other === name)?.[1];
  }

  /**
   * The value of the last header of that name, as text; `null` when there is none.
   * @throws `Error` if it is not UTF-8.
   */
  headerText(name: string): string | null {
    const value = this.header(name);
    return value == null ? null : decode(String.fromCharCode(...value), `the header ${name}`);
  }

  /** This record with another value, key, timestamp or headers; what is not named stays as it is, and is not copied. */
  with(change: Change): OutputRecord {
    return new OutputRecord(this, change);
  }

  /** This record with a value in JSON. */
  withJson(value: unknown): OutputRecord {
    const json = JSON.stringify(value) as string | undefined;
    if (json === undefined) throw new Error(`there is no JSON for ${String(value)}`);
    return new OutputRecord(this, { value: json });
  }

  /** @internal Its key with the length before it. */
  get rawKey(): string {
    return this.frame.binary.substring(this.keyAt, this.valueAt);
  }

  /** @internal Its value with the length before it. */
  get rawValue(): string {
    return this.frame.binary.substring(this.valueAt, this.headersAt);
  }

  /** @internal Its headers with their number before them. */
  get rawHeaders(): string {
    return this.frame.binary.substring(this.headersAt, this.end);
  }

  /** @internal Its key, value and headers. */
  get raw(): string {
    return this.frame.binary.substring(this.keyAt, this.end);
  }
}

function decode(binary: string, what: string): string {
  try {
    return decodeUtf8(binary);
  } catch {
    throw new Error(`${what} is not text (UTF-8)`);
  }
}
