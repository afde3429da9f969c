/**
 * SmartModules in AssemblyScript: all that stands between a module and Tidemill, in one file.
 *
 * A module calls `filter` or one of its like once, at the top of `index.ts`, and exports what that file exports. The layout
 * of frames and answers is that of Tidemill's docs/smartmodule-abi.md.
 */

// ---- What a module sees. ----

/** A record. It is there until the function that got it returns. */
export class Record {
  /** In the partition; -1 on ingest, where there is none yet. */
  offset: i64 = -1;
  /** Milliseconds since 1970. */
  timestamp: i64 = 0;
  private keyAt: usize = 0;
  private keyLength: i32 = -1;
  private valueAt: usize = 0;
  private valueLength: i32 = -1;
  private headerCount: i64 = 0;
  private headersAt: usize = 0;
  private headersLength: i32 = 0;
  /** A value of our own making, in the place of the one in the batch. */
  private made: Uint8Array | null = null;

  /** The key; null when there is none, which is not the same as an empty one. */
  key(): Uint8Array | null {
    return bytesAt(this.keyAt, this.keyLength);
  }

  /** The value; null (a tombstone) is not the same as an empty one. */
  value(): Uint8Array | null {
    return this.made ? this.made : bytesAt(this.valueAt, this.valueLength);
  }

  /** The value as text; empty when there is none. */
  text(): string {
    const made = this.made;
    if (made) return String.UTF8.decodeUnsafe(made.dataStart, made.byteLength);
    return this.valueLength > 0 ? String.UTF8.decodeUnsafe(this.valueAt, this.valueLength) : "";
  }

  /** The value of the last header of this name, as text; null when there is none. */
  header(name: string): string | null {
    const reader = new Reader(this.headersAt, this.headersLength);
    let found: string | null = null;
    for (let left = this.headerCount; left > 0; left--) {
      const nameLength = reader.length();
      const nameAt = reader.take(nameLength);
      const valueLength = reader.length();
      const valueAt = reader.take(valueLength);
      if (String.UTF8.decodeUnsafe(nameAt, nameLength) == name && valueLength >= 0) {
        found = String.UTF8.decodeUnsafe(valueAt, valueLength);
      }
    }
    return found;
  }

  /** Whether another record has the same key; none is only the same as none. */
  sameKey(other: Record): bool {
    if (this.keyLength != other.keyLength) return false;
    return this.keyLength <= 0 || memory.compare(this.keyAt, other.keyAt, this.keyLength) == 0;
  }

  /** Another value, as text; all else as it was. */
  withText(text: string): Record {
    return this.withValue(Uint8Array.wrap(String.UTF8.encode(text)));
  }

  /** Another value; all else as it was. */
  withValue(value: Uint8Array): Record {
    const other = new Record();
    memory.copy(changetype<usize>(other), changetype<usize>(this), offsetof<Record>("made"));
    other.made = value;
    return other;
  }

  /** @internal */
  read(from: Reader, frame: Frame): bool {
    const length = from.length();
    const body = new Reader(from.take(length), length);
    body.take(1);
    this.timestamp = frame.baseTimestamp + body.varint() * i64(!frame.stamped);
    const delta = body.varint();
    this.offset = frame.baseOffset < 0 ? -1 : frame.baseOffset + delta;
    this.keyLength = body.length();
    this.keyAt = body.take(this.keyLength);
    this.valueLength = body.length();
    this.valueAt = body.take(this.valueLength);
    this.headerCount = body.varint();
    this.headersAt = body.at;
    for (let left = this.headerCount; left > 0 && !body.cut; left--) {
      const name = body.length();
      if (name < 0) return false;
      body.take(name);
      body.take(body.length());
    }
    this.headersLength = i32(body.at - this.headersAt);
    return !from.cut && !body.cut && this.headerCount >= 0 && body.at == body.end;
  }

  /** @internal */
  write(to: Buffer, baseTimestamp: i64): void {
    const made = this.made;
    const body = scratch;
    body.length = 0;
    body.byte(0);
    body.varint(this.timestamp - baseTimestamp);
    body.varint(0);
    body.bytes(this.keyAt, this.keyLength);
    if (made) body.bytes(made.dataStart, made.byteLength);
    else body.bytes(this.valueAt, this.valueLength);
    body.varint(this.headerCount);
    body.put(this.headersAt, this.headersLength);
    to.bytes(body.at, body.length);
  }
}

/** A parameter. Its default is JSON, such as `"\"error\""` or `7`; without one it must be given. */
export class Param {
  constructor(
    public name: string,
    /** `string`, `integer`, `number`, `boolean`, `stringList` or `json`. */
    public type: string,
    public fallback: string | null,
    public description: string,
  ) {}
}

/** What a module says of itself. */
export class About {
  constructor(
    public name: string,
    public version: string,
    public description: string,
    public params: Param[] = [],
  ) {}
}

export enum Level {
  Debug,
  Info,
  Warn,
  Error,
}

/** Registers a module that keeps the records for which `keep` is true. */
export function filter(about: About, keep: (record: Record) => bool): void {
  register("filter", about);
  keeps = keep;
}

/** Registers a module that refuses records: it calls `fail` for them. */
export function validate(about: About, check: (record: Record) => void): void {
  register("validate", about);
  changes = check;
}

/** Registers a module that makes one record of each: it calls `emit` once. */
export function map(about: About, change: (record: Record) => void): void {
  register("map", about);
  changes = change;
}

/** Registers a module that makes one record of each, or none: it calls `emit` at most once. */
export function filterMap(about: About, change: (record: Record) => void): void {
  register("filter_map", about);
  changes = change;
}

/** Registers a module that makes any number of records of each, by `emit`. */
export function flatMap(about: About, change: (record: Record) => void): void {
  register("flat_map", about);
  changes = change;
}

/** Registers a module that folds records into an accumulator, which is empty at the beginning. */
export function aggregate(about: About, fold: (accumulator: string, record: Record) => string): void {
  register("aggregate", about);
  folds = fold;
}

/** Registers a module that makes one record, or none, of a left and a right one: it calls `emit` at most once. */
export function join(about: About, pair: (left: Record, right: Record) => void): void {
  register("join", about);
  joins = pair;
}

/** Answers with a record that came of the one in hand. */
export function emit(record: Record): void {
  answer.varint(index);
  record.write(answer, baseTimestamp);
  made++;
}

/** Says that the record in hand has failed, and why. What it emitted is forgotten. */
export function fail(reason: string): void {
  if (hasFailed) return;
  hasFailed = true;
  failed++;
  failures.varint(index);
  failures.text(reason);
}

/** A parameter, as text: a string as it is, anything else as its JSON; empty when there is none. */
export function param(name: string): string {
  const value = member(member(params, "params"), name);
  return value.startsWith('"') ? unquoted(value) : value;
}

/** Writes a line to the log. */
export function log(level: Level, text: string): void {
  const bytes = String.UTF8.encode(text);
  hostLog(level, changetype<usize>(bytes), bytes.byteLength);
}

/** Whether a text is a whole number, of at most 18 digits, with blanks around it; I64.parseInt reads it then. */
export function isInteger(text: string): bool {
  const number = text.trim();
  const begin = number.startsWith("-") ? 1 : 0;
  if (number.length == begin || number.length - begin > 18) return false;
  for (let at = begin; at < number.length; at++) {
    if (number.charCodeAt(at) < 0x30 || number.charCodeAt(at) > 0x39) return false;
  }
  return true;
}

// ---- Bytes. ----

@external("tidemill", "log")
declare function hostLog(level: u32, at: usize, length: u32): void;

/** Where the compiler's checks end. */
export function stop(message: string | null, file: string | null, line: u32, column: u32): void {
  log(Level.Error, `${message ? message : "stopped"} (${file ? file : "?"}:${line}:${column})`);
  unreachable();
}

function bytesAt(at: usize, length: i32): Uint8Array | null {
  if (length < 0) return null;
  const bytes = new Uint8Array(length);
  memory.copy(bytes.dataStart, at, length);
  return bytes;
}

/** Reads front to back; `cut` tells that bytes ended within something. */
class Reader {
  end: usize;
  cut: bool = false;

  constructor(public at: usize, length: i32) {
    this.end = at + (length < 0 ? 0 : length);
  }

  varint(): i64 {
    let value: u64 = 0;
    for (let shift: u64 = 0; shift < 70 && this.at < this.end; shift += 7) {
      const byte = load<u8>(this.at++);
      value |= u64(byte & 0x7f) << shift;
      if (byte < 0x80) return i64(value >> 1) ^ -i64(value & 1);
    }
    this.cut = true;
    return 0;
  }

  /** A length; -1 is that of none. */
  length(): i32 {
    const length = this.varint();
    if (length < -1 || length > i64(this.end - this.at)) {
      this.cut = true;
      return 0;
    }
    return i32(length);
  }

  take(length: i32): usize {
    const at = this.at;
    if (length > 0 && usize(length) > this.end - at) this.cut = true;
    else if (length > 0) this.at += length;
    return at;
  }
}

/** Bytes that grow, out of the collector's reach: what the host is given lies there. */
class Buffer {
  at: usize = 0;
  length: i32 = 0;
  private room: i32 = 0;

  private grow(more: i32): void {
    if (this.room - this.length >= more) return;
    this.room = this.room * 2 + more + 64;
    this.at = this.at ? heap.realloc(this.at, this.room) : heap.alloc(this.room);
  }

  put(at: usize, length: i32): void {
    this.grow(length);
    memory.copy(this.at + this.length, at, length);
    this.length += length;
  }

  byte(value: u8): void {
    this.grow(1);
    store<u8>(this.at + this.length, value);
    this.length++;
  }

  u32(value: u32): void {
    this.grow(4);
    store<u32>(this.at + this.length, value);
    this.length += 4;
  }

  varint(number: i64): void {
    let rest = u64((number << 1) ^ (number >> 63));
    for (; rest >= 0x80; rest >>= 7) this.byte(u8(rest) | 0x80);
    this.byte(u8(rest));
  }

  bytes(at: usize, length: i32): void {
    this.varint(length);
    if (length > 0) this.put(at, length);
  }

  text(text: string): void {
    const bytes = String.UTF8.encode(text);
    this.bytes(changetype<usize>(bytes), bytes.byteLength);
  }

  raw(text: string): void {
    const bytes = String.UTF8.encode(text);
    this.put(changetype<usize>(bytes), bytes.byteLength);
  }

  /** Hands it to the host, which gives it back. */
  give(isFailure: bool): i64 {
    const packed = (i64(this.at) << 32) | (i64(isFailure) << 31) | i64(this.length);
    this.at = 0;
    this.room = 0;
    this.length = 0;
    return packed;
  }
}

class Frame {
  stamped: bool = false;
  baseOffset: i64 = -1;
  baseTimestamp: i64 = 0;
}

// ---- JSON, as far as parameters need it: the host wrote it, so that it is valid. ----

function member(json: string, name: string): string {
  let at = json.startsWith("{") ? 1 : json.length;
  while (at < json.length) {
    const key = valueAt(json, at);
    at += key.length + 1;
    const value = valueAt(json, at);
    at += value.length + 1;
    if (key.trim() == '"' + name + '"') return value.trim();
  }
  return "";
}

function valueAt(json: string, begin: i32): string {
  let depth = 0;
  let quoted = false;
  let at = begin;
  for (; at < json.length; at++) {
    const char = json.charAt(at);
    if (quoted) {
      if (char == "\\") at++;
      else if (char == '"') quoted = false;
    } else if (char == '"') quoted = true;
    else if (char == "{" || char == "[") depth++;
    else if (char == "}" || char == "]") depth--;
    else if ((char == "," || char == ":") && depth == 0) break;
    if (depth < 0) break;
  }
  return json.substring(begin, at);
}

function unquoted(json: string): string {
  let text = "";
  for (let at = 1; at < json.length - 1; at++) {
    let char = json.charAt(at);
    if (char == "\\") {
      char = json.charAt(++at);
      if (char == "u") {
        char = String.fromCharCode(i32(parseInt(json.substring(at + 1, at + 5), 16)));
        at += 4;
      } else if (char == "n") char = "\n";
      else if (char == "t") char = "\t";
      else if (char == "r") char = "\r";
      else if (char == "b") char = "\b";
      else if (char == "f") char = "\f";
    }
    text += char;
  }
  return text;
}

function quoted(text: string): string {
  return '"' + text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n") + '"';
}

// ---- The module, and the call in hand. ----

let kind = "";
let self: About | null = null;
let keeps: ((record: Record) => bool) | null = null;
let changes: ((record: Record) => void) | null = null;
let folds: ((accumulator: string, record: Record) => string) | null = null;
let joins: ((left: Record, right: Record) => void) | null = null;

let params = "";
let index = 0;
let made = 0;
let failed = 0;
let hasFailed = false;
let baseTimestamp: i64 = 0;
const answer = new Buffer();
const failures = new Buffer();
const scratch = new Buffer();

function register(name: string, about: About): void {
  kind = name;
  self = about;
}

function failure(text: string): i64 {
  const out = new Buffer();
  out.u32(u32.MAX_VALUE);
  out.raw(text);
  return out.give(true);
}

// ---- The exports. ----

export function tm_alloc(length: i32): usize {
  return heap.alloc(length > 0 ? usize(length) : 1);
}

export function tm_free(at: usize, length: i32): void {
  heap.free(at);
}

export function tm_describe(): i64 {
  const about = self;
  if (!about) return failure("the program registers no module: call filter or one of its like");
  let list = "";
  for (let at = 0; at < about.params.length; at++) {
    const param = about.params[at];
    const fallback = param.fallback;
    list += (at > 0 ? "," : "") + `{"name":${quoted(param.name)},"type":${quoted(param.type)},`;
    list += fallback ? `"default":${fallback},` : '"required":true,';
    list += `"description":${quoted(param.description)}}`;
  }
  const out = new Buffer();
  out.raw(`{"abi":1,"kind":"${kind}","name":${quoted(about.name)},"version":${quoted(about.version)},`);
  out.raw(`"description":${quoted(about.description)},"language":"assemblyscript","sdk":"tidemill.ts 0.1.0",`);
  out.raw(`"params":[${list}],"lookBack":false}`);
  return out.give(false);
}

export function tm_init(at: usize, length: i32): i64 {
  params = String.UTF8.decodeUnsafe(at, length);
  return 0;
}

export function tm_process(at: usize, length: i32): i64 {
  if (length < 32 || load<u8>(at) != 1 || load<u8>(at + 1) > 3 || load<u8>(at + 2) > 1 || load<u8>(at + 3) != 0) {
    return failure("the header of the frame is not valid");
  }
  const frame = new Frame();
  frame.stamped = load<u8>(at + 2) == 1;
  frame.baseOffset = load<i64>(at + 8);
  frame.baseTimestamp = baseTimestamp = load<i64>(at + 16);
  const count = load<u32>(at + 4);
  const reader = new Reader(at + 32, length - 32);
  const folded = load<u32>(at + 24);
  if (folded > u32(length - 32) || count > u32(length)) return failure("the bytes end within the frame");
  let accumulator = String.UTF8.decodeUnsafe(reader.take(folded), folded);
  const selects = kind == "filter" || kind == "validate";
  const bits = new Uint8Array(selects ? i32((count + 7) / 8) : 0);
  answer.length = failures.length = made = failed = 0;
  for (index = 0; u32(index) < count; index++) {
    const record = new Record();
    if (!record.read(reader, frame)) return failure("the bytes end within a record");
    const length = answer.length;
    const before = made;
    const pair = joins;
    let next = index + 1;
    hasFailed = false;
    if (pair) {
      const right = new Record();
      if (u32(next) == count || !right.read(reader, frame)) return failure("a join takes pairs");
      pair(record, right);
      next++;
    } else {
      const keep = one(record, accumulator);
      if (folds && !hasFailed) accumulator = latest;
      if (selects && keep && !hasFailed) bits[index / 8] |= 1 << u8(index % 8);
      if (kind == "map" && made != before + 1) fail("the map made not one record");
    }
    if (hasFailed) {
      answer.length = length;
      made = before;
    }
    index = next - 1;
  }
  if (reader.at != reader.end) return failure("there are bytes after the last record");
  const out = new Buffer();
  const end = String.UTF8.encode(accumulator);
  out.u32(1 | (selects ? 0 : 0x100) | (folds ? 0x10000 : 0));
  out.u32(selects ? count : u32(made));
  out.u32(failed);
  out.u32(folds ? u32(end.byteLength) : 0);
  if (selects) out.put(bits.dataStart, bits.length);
  else out.put(answer.at, answer.length);
  out.put(failures.at, failures.length);
  if (folds) out.put(changetype<usize>(end), end.byteLength);
  return out.give(false);
}

/** The accumulator after the record in hand. */
let latest = "";

/** Calls the module for one record; gives whether a selection keeps it. */
function one(record: Record, accumulator: string): bool {
  const keep = keeps;
  if (keep) return keep(record);
  const change = changes;
  if (change) change(record);
  const fold = folds;
  if (fold) {
    latest = fold(accumulator, record);
    if (!hasFailed) emit(record.withText(latest));
  }
  return true;
}
