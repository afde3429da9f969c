// A batch of records as the host hands it over. docs/smartmodule-abi.md says how it is laid out.

import { encodeUtf8, toBinary } from "./binary.js";

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
  private needle: { text: string; binary: string; from: number; found: number } | undefined;

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

  /** Fails unless all bytes were read. */
  finish(): void {
    if (this.at !== this.bytes.length) throw new Error("there are bytes after the last record");
  }

  /**
   * Whether the UTF-8 of `text` lies between `begin` and `end`. Asked for ascending places, as a module does, the frame
   * is searched once from front to back.
   */
  includes(text: string, begin: number, end: number): boolean {
    let needle = this.needle;
    if (needle === undefined || needle.text !== text) {
      needle = { text, binary: encodeUtf8(text), from: this.bytes.length, found: -1 };
      this.needle = needle;
    }
    if (begin < needle.from || needle.found < begin) {
      const found = this.binary.indexOf(needle.binary, begin);
      needle.from = begin;
      needle.found = found < 0 ? this.bytes.length + 1 : found;
    }
    return needle.found + needle.binary.length <= end;
  }
}
