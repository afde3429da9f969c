// Kafka's variable-length numbers: zigzag, then seven bits a byte, the lowest first.

/** Where reading goes on. */
export interface Place {
  at: number;
}

/** Reads one of any length and moves `place` behind it. Beyond 2^53 the nearest number is given. */
export function readVarint(bytes: Uint8Array, place: Place): number {
  // Up to four bytes without the slower numbers of any size.
  let raw = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = bytes[place.at++];
    if (byte === undefined) throw new Error("the bytes end within a number");
    raw |= (byte & 0x7f) << shift;
    if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1);
  }
  let value = BigInt(raw);
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = bytes[place.at++];
    if (byte === undefined) throw new Error("the bytes end within a number");
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (value >> 64n !== 0n) break;
      return Number((value >> 1n) ^ -(value & 1n));
    }
  }
  throw new Error("a number has more than 64 bits");
}

/** As a binary string. */
export function varint(value: number): string {
  if (value >= 0 && value < 64) return String.fromCharCode(value << 1);
  if (value >= 0 && value < 8192) return String.fromCharCode(((value << 1) & 0x7f) | 0x80, value >> 6);
  let rest = value >= 0 ? BigInt(value) << 1n : (-BigInt(value) << 1n) - 1n;
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return String.fromCharCode(...bytes);
}
