// The host's half of the contract that a test needs: frames out of records.

import { fromBinary } from "../binary.js";
import { nullable } from "../output.js";
import type { Bytes } from "../output.js";
import { varint } from "../varint.js";

/** A record with nothing left out. */
export interface WholeRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly (readonly [name: string, value: Bytes | null])[];
}

const HEADER = 32;

/** A frame of these records. `baseOffset` is -1 for records that have no offsets yet. */
export function writeFrame(
  kind: number,
  baseOffset: number,
  records: readonly WholeRecord[],
  accumulator: string,
): Uint8Array {
  const frame = fromBinary("\0".repeat(HEADER) + accumulator + records.map((record) => written(record)).join(""));
  const view = new DataView(frame.buffer, frame.byteOffset, HEADER);
  view.setUint8(0, 1);
  view.setUint8(1, kind);
  view.setUint32(4, records.length, true);
  view.setBigInt64(8, BigInt(baseOffset), true);
  view.setUint32(24, accumulator.length, true);
  return frame;
}

function written(record: WholeRecord): string {
  const headers = record.headers.map(([name, value]) => nullable(name) + nullable(value)).join("");
  const body =
    "\0" + varint(record.timestamp) + varint(record.offset) + nullable(record.key) + nullable(record.value) +
    varint(record.headers.length) + headers;
  return varint(body.length) + body;
}
