// A batch of records as the host hands it over. docs/smartmodule-abi.md says how it is laid out.

import { encodeUtf8, toBinary } from "./binary.js";
import { readVarint } from "./varint.js";

/** What a frame is for. */
export const FrameKind = { records: 0, lookBack: 1, aggregate: 2, join: 3 } as const;

const VERSION = 1;
const HEADER = 32;
const STAMPED = 1;

/** The header of a frame, and the bytes behind it. Records are read by `InputRecord.next`. */
export class Frame {
  readonly bytes: Uint8Array;
  readonly kind: number;
  readonly count: number;
  /** Every record bears the base timestamp. */
  readonly stamped: boolean;
  /** -1 when the records have no offsets yet. */
  readonly baseOffset: number;
  readonly baseTimestamp: number;
  readonly accumulator: Uint8Array;
  /** Where the next record begins. */
  at: number;
  private whole: string | undefined;
  private needle: Needle | undefined;

  constructor(bytes: Uint8Array) {
    if (bytes.length < HEADER) throw new Error("the bytes end within the header of a frame");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const version = view.getUint8(0);
    if (version !== VERSION) {
      throw new Error(`version ${version} of the frame is not spoken here; version ${VERSION} is`);
    }
    const flags = view.getUint8(2);
    this.kind = view.getUint8(1);
    if (this.kind > FrameKind.join || (flags & ~STAMPED) !== 0 || view.getUint8(3) !== 0) {
      throw new Error("the header of the frame is not valid");
    }
    this.bytes = bytes;
    this.stamped = flags === STAMPED;
    this.count = view.getUint32(4, true);
    this.baseOffset = Number(view.getBigInt64(8, true));
    this.baseTimestamp = Number(view.getBigInt64(16, true));
    this.at = HEADER + view.getUint32(24, true);
    if (this.at > bytes.length) throw new Error("the bytes end within the accumulator");
    this.accumulator = bytes.subarray(HEADER, this.at);
  }

  /** All of it as one binary string: made once, cut often. */
  get binary(): string {
    return (this.whole ??= toBinary(this.bytes));
  }

  /** Reads a number of more than one byte, of which the first is before `at`; then `at` of the frame is behind it. */
  long(at: number): number {
    const second = this.bytes[at] as number;
    if (second < 128) {
      this.at = at + 1;
      const raw = ((this.bytes[at - 1] as number) & 0x7f) | (second << 7);
      return (raw >>> 1) ^ -(raw & 1);
    }
    this.at = at - 1;
    return readVarint(this.bytes, this);
  }

  /** Fails unless all bytes were read. */
  finish(): void {
    if (this.at !== this.bytes.length) throw new Error("there are bytes after the last record");
  }

  /** Whether the UTF-8 of `text` lies between `begin` and `end`. Asked in ascending order, it is at its fastest. */
  includes(text: string, begin: number, end: number): boolean {
    if (this.needle === undefined || this.needle.text !== text) this.needle = new Needle(text, this.binary);
    return this.needle.lies(begin, end);
  }
}

/** A text that is looked for, and all places where it is. */
class Needle {
  readonly text: string;
  private readonly length: number;
  private readonly places: number[] = [];
  /** The place that was looked at last. */
  private last = 0;

  constructor(text: string, binary: string) {
    this.text = text;
    const wanted = encodeUtf8(text);
    this.length = wanted.length;
    if (this.length === 0) return;
    // QuickJS finds a text faster when it splits than when it is asked for its index. Texts that overlap themselves are
    // looked for in the slower way: where they split, one may hide another.
    if (overlapsItself(wanted)) {
      for (let at = binary.indexOf(wanted); at >= 0; at = binary.indexOf(wanted, at + 1)) this.places.push(at);
      return;
    }
    let at = 0;
    for (const piece of binary.split(wanted)) {
      at += piece.length;
      this.places.push(at);
      at += this.length;
    }
    // What follows the last piece is the end.
    this.places.pop();
  }

  lies(begin: number, end: number): boolean {
    if (this.length === 0) return true;
    const { places } = this;
    let last = this.last;
    if (last > 0 && (places[last - 1] as number) >= begin) last = 0;
    while ((places[last] as number) < begin) last++;
    this.last = last;
    return (places[last] as number) + this.length <= end;
  }
}

/** Whether a text begins as it ends. */
function overlapsItself(text: string): boolean {
  for (let length = 1; length < text.length; length++) {
    if (text.endsWith(text.substring(0, length))) return true;
  }
  return false;
}
