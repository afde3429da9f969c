// What a module answers to a frame, and how it fails. docs/smartmodule-abi.md says how it is laid out.

import { encodeUtf8, fromBinary } from "./binary.js";
import type { Frame } from "./frame.js";
import { OutputRecord, named, nullable, toBytes } from "./output.js";
import type { Output } from "./output.js";
import { InputRecord } from "./record.js";
import { varint } from "./varint.js";

const VERSION = 1;
const HEADER = 16;
const SELECTION = 0;
const RECORDS = 1;
const HAS_ACCUMULATOR = 1;
/** The number of no record. */
const NONE = 0xffff_ffff;

/** Collects the records that failed; the base of both kinds of answers. */
class Failures {
  protected failed = 0;
  protected failures = "";

  /** The record of this number failed. Numbers go up. */
  fail(index: number, error: unknown): void {
    this.failed++;
    this.failures += varint(index) + nullable(reason(error));
  }
}

/** One bit for each record of a frame. */
export class Selection extends Failures {
  private readonly count: number;
  private readonly answer: Uint8Array;

  constructor(frame: Frame) {
    super();
    // A record takes some bytes: so a frame cannot make this ask for more memory than it has itself.
    if (frame.count > frame.bytes.length) throw new Error("the bytes end within a record");
    this.count = frame.count;
    this.answer = new Uint8Array(HEADER + ((frame.count + 7) >> 3));
  }

  /** Keeps the record of this number. */
  keep(index: number): void {
    const at = HEADER + (index >> 3);
    this.answer[at] = (this.answer[at] as number) | (1 << (index & 7));
  }

  /** As it is written. */
  finish(): Uint8Array {
    writeHeader(this.answer, SELECTION, this.count, this.failed);
    return this.failed === 0 ? this.answer : joined(this.answer, fromBinary(this.failures));
  }
}

/** Records, each with the number of the one that it came of. */
export class Records extends Failures {
  private readonly parts: string[] = ["\0".repeat(HEADER)];
  private readonly frame: Frame;
  private count = 0;

  constructor(frame: Frame) {
    super();
    this.frame = frame;
  }

  /** Adds what came of the record of this number, which is `source`. Numbers never go back. */
  push(index: number, source: InputRecord, output: Output): void {
    const written = this.write(source, output);
    this.parts.push(varint(index) + varint(written.length) + written);
    this.count++;
  }

  /** How much there is, to come back to. */
  mark(): number {
    return this.count;
  }

  /** Takes back what was added since `mark`. */
  back(mark: number): void {
    this.parts.length = mark + 1;
    this.count = mark;
  }

  private write(source: InputRecord, output: Output): string {
    const { frame } = this;
    if (typeof output === "string" || output instanceof Uint8Array) {
      const value = toBytes(output);
      return source.rawBegin(frame) + varint(value.length) + value + source.rawHeaders;
    }
    // A record may be one of an earlier batch.
    if (output instanceof OutputRecord) return output.written(frame);
    if (output instanceof InputRecord) return output.rawBegin(frame) + output.rawValue + output.rawHeaders;
    throw new TypeError(`the answer for a record is a record, text or a Uint8Array, not ${named(output)}`);
  }

  /** As it is written; `accumulator` is a binary string. */
  finish(accumulator?: string): Uint8Array {
    this.parts.push(this.failures, accumulator ?? "");
    const answer = fromBinary(this.parts.join(""));
    writeHeader(answer, RECORDS, this.count, this.failed, accumulator);
    return answer;
  }
}

function writeHeader(answer: Uint8Array, kind: number, count: number, failed: number, accumulator?: string): void {
  const view = new DataView(answer.buffer, answer.byteOffset, HEADER);
  view.setUint8(0, VERSION);
  view.setUint8(1, kind);
  view.setUint8(2, accumulator === undefined ? 0 : HAS_ACCUMULATOR);
  view.setUint32(4, count, true);
  view.setUint32(8, failed, true);
  view.setUint32(12, accumulator?.length ?? 0, true);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** How a call fails as a whole. */
export function failure(error: unknown): Uint8Array {
  const text = fromBinary(encodeUtf8(reason(error)));
  const bytes = new Uint8Array(4 + text.length);
  new DataView(bytes.buffer).setUint32(0, NONE, true);
  bytes.set(text, 4);
  return bytes;
}

/** An error in words: what people said of their own accord, and the class of what the engine says. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.constructor === Error || error.name === "Error" ? error.message : `${error.name}: ${error.message}`;
}
