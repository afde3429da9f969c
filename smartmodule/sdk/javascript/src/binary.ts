// Bytes and text, in the ways that an interpreter is fast at.
//
// A loop over bytes costs QuickJS some fifty nanoseconds a byte, its own string functions below one. So whole frames are
// turned into "binary" strings, one character (U+0000 to U+00FF) a byte, and taken apart and put together as strings.

/** What newer engines have on byte arrays, and older ones lack. */
interface Base64 {
  toBase64?: () => string;
}
interface FromBase64 {
  fromBase64?: (text: string) => Uint8Array;
}

/** Bytes that are turned at once, so that no second copy of a large frame is made: a multiple of three. */
const CHUNK = 0x18000;
/** Arguments that one call may have, with room to spare. */
const ARGUMENTS = 8192;
const NOT_ASCII = /[^\x00-\x7f]/;

/** Bytes as a binary string. */
export function toBinary(bytes: Uint8Array): string {
  const native = (bytes as Base64 & Uint8Array).toBase64 !== undefined;
  const chunk = native ? CHUNK : ARGUMENTS;
  if (bytes.length <= chunk) return native ? fromBase64(bytes) : fromCharCodes(bytes);
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += chunk) {
    const part = bytes.subarray(at, at + chunk);
    parts.push(native ? fromBase64(part) : fromCharCodes(part));
  }
  return parts.join("");
}

function fromBase64(bytes: Base64 & Uint8Array): string {
  return atob(bytes.toBase64?.() ?? "");
}

function fromCharCodes(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** A binary string as bytes. */
export function fromBinary(binary: string): Uint8Array {
  const native = Uint8Array as unknown as FromBase64;
  if (native.fromBase64 !== undefined && binary.length <= CHUNK) return native.fromBase64(btoa(binary));
  const bytes = new Uint8Array(binary.length);
  if (native.fromBase64 !== undefined) {
    for (let at = 0; at < binary.length; at += CHUNK) {
      bytes.set(native.fromBase64(btoa(binary.substring(at, at + CHUNK))), at);
    }
    return bytes;
  }
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** Text out of its UTF-8, given as a binary string. Throws when it is not UTF-8. */
export function decodeUtf8(binary: string): string {
  if (!NOT_ASCII.test(binary)) return binary;
  try {
    return decodeURIComponent(escape(binary));
  } catch {
    throw new Error("it is not text (UTF-8)");
  }
}

/** The UTF-8 of a text, as a binary string. Half of a surrogate pair becomes U+FFFD, as with `TextEncoder`. */
export function encodeUtf8(text: string): string {
  if (!NOT_ASCII.test(text)) return text;
  try {
    return unescape(encodeURIComponent(text));
  } catch {
    return unescape(encodeURIComponent(wellFormed(text)));
  }
}

function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}
