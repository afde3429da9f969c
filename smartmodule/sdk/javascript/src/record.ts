import { decodeUtf8, toBinary } from "./binary.js";
import type { Frame } from "./frame.js";
import { OutputRecord } from "./output.js";
import type { Change } from "./output.js";
import { readVarint, varint } from "./varint.js";

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
  /** Where its attributes are; what is before is its length. */
  private readonly begin: number;
  // Each of these parts begins with its length or number, and ends where the next one begins.
  private readonly keyAt: number;
  private readonly keyLength: number;
  private readonly valueAt: number;
  private readonly valueLength: number;
  private readonly headersAt: number;
  private readonly end: number;

  /**
   * Finds the parts of the next record of `frame`. Numbers of one byte are read in place, since calls are what costs in an
   * interpreter, and time and offset are passed over until somebody asks. Beyond the end of the bytes lies `undefined`, for
   * which all comparisons are false: it is found out when the parts do not add up.
   * @internal
   */
  constructor(frame: Frame) {
    const bytes = frame.bytes;
    let at = frame.at;
    let byte = bytes[at++] as number;
    let length: number;
    if (byte < 128) length = (byte >>> 1) ^ -(byte & 1);
    else {
      length = frame.long(at);
      at = frame.at;
    }
    const end = at + length;
    if (length < 0 || end > bytes.length) throw new Error("the bytes end within a record");
    this.frame = frame;
    this.begin = at++;
    while ((bytes[at++] as number) > 127);
    while ((bytes[at++] as number) > 127);
    this.keyAt = at;
    byte = bytes[at++] as number;
    if (byte < 128) length = (byte >>> 1) ^ -(byte & 1);
    else {
      length = frame.long(at);
      at = frame.at;
    }
    this.keyLength = length;
    if (length > 0) at += length;
    this.valueAt = at;
    byte = bytes[at++] as number;
    if (byte < 128) length = (byte >>> 1) ^ -(byte & 1);
    else {
      length = frame.long(at);
      at = frame.at;
    }
    this.valueLength = length;
    if (length > 0) at += length;
    this.headersAt = at;
    if (bytes[at++] !== 0) at = endOfHeaders(bytes, at - 1, end);
    if (at !== end || length < -1 || this.keyLength < -1) {
      throw new Error("the parts of a record do not add up to its length");
    }
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
    const { bytes, baseTimestamp, stamped } = this.frame;
    return stamped ? baseTimestamp : baseTimestamp + readVarint(bytes, { at: this.begin + 1 });
  }

  /** Its offset in the partition; `null` on ingest, where it has none yet. */
  get offset(): number | null {
    const { bytes, baseOffset } = this.frame;
    if (baseOffset < 0) return null;
    const place = { at: this.begin + 1 };
    readVarint(bytes, place);
    return baseOffset + readVarint(bytes, place);
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
    return value == null ? null : decode(toBinary(value), `the header ${name}`);
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

  /** @internal What it has before its value, as it is to be written in an answer to `frame`. */
  rawBegin(frame: Frame): string {
    if (frame === this.frame && !frame.stamped) return frame.binary.substring(this.begin, this.valueAt);
    return "\0" + varint(this.timestamp - frame.baseTimestamp) + "\0" + this.rawKey;
  }
}

/** Where headers end that begin with their number at `begin`. */
function endOfHeaders(bytes: Uint8Array, begin: number, end: number): number {
  const place = { at: begin };
  let count = readVarint(bytes, place);
  for (; count > 0 && place.at < end; count--) {
    const name = readVarint(bytes, place);
    if (name < 0) throw new Error("a header has a name of negative length");
    place.at += name;
    const value = readVarint(bytes, place);
    if (value < -1) throw new Error("a header has a value of negative length");
    if (value > 0) place.at += value;
  }
  if (count !== 0) throw new Error("the bytes of a record end within its headers");
  return place.at;
}

function decode(binary: string, what: string): string {
  try {
    return decodeUtf8(binary);
  } catch {
    throw new Error(`${what} is not text (UTF-8)`);
  }
}
