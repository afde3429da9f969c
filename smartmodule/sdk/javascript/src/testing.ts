/**
 * Unit tests without WebAssembly: the module runs as it is, behind the same frames as in a server.
 *
 * ```js
 * import { run } from "@tidemill/smartmodule/testing";
 * import contains from "../src/index.js";
 *
 * test("keeps errors", () => {
 *   assert.deepEqual(run(contains, ["all is well", "an error"]).values(), ["an error"]);
 * });
 * ```
 *
 * @packageDocumentation
 */

import { fromBinary } from "./binary.js";
import { FrameKind } from "./frame.js";
import { expose } from "./guest.js";
import type { Guest } from "./guest.js";
import { LEVELS } from "./log.js";
import type { Level } from "./log.js";
import type { SmartModule } from "./module.js";
import { toBytes } from "./output.js";
import type { Bytes } from "./output.js";
import { resolveParams } from "./params.js";
import { readAnswer, readFailure } from "./testing/read.js";
import type { OutRecord } from "./testing/read.js";
import { writeFrame } from "./testing/write.js";
import type { WholeRecord } from "./testing/write.js";

/** A record to test with: its value, or more of it. */
export type TestRecord = Bytes | RecordFields;

/** The parts of a record. */
export interface RecordFields {
  /** The key. None if missing. */
  readonly key?: Bytes | null;
  /** The value. None if missing. */
  readonly value?: Bytes | null;
  /** The headers. None if missing. */
  readonly headers?: Iterable<readonly [name: string, value: Bytes | null]>;
  /** Milliseconds since 1970. 0 if missing. */
  readonly timestamp?: number;
}

/** How a module is started. */
export interface StartOptions {
  /** Its parameters, by name; the defaults are filled in. */
  readonly params?: { readonly [name: string]: unknown };
  /** Where it is attached, in words. */
  readonly place?: string;
  /** The records have no offsets yet, as on ingest. */
  readonly ingest?: boolean;
}

export type { OutRecord, Outcome, Runner };

/** A record that failed. */
export interface Failed {
  /** Its number among the records that went in. */
  readonly index: number;
  /** Why. */
  readonly reason: string;
}

/** A line of the module's log. */
export interface LogLine {
  /** How much it matters. */
  readonly level: Level;
  /** The line. */
  readonly text: string;
}

/** What came of some records. */
class Outcome {
  /** What goes on, in order. */
  readonly records: readonly OutRecord[];
  /** Which records failed, and why. */
  readonly failed: readonly Failed[];

  /** @internal */
  constructor(records: readonly OutRecord[], failed: readonly Failed[]) {
    this.records = records;
    this.failed = failed;
  }

  /**
   * The values that came out, as text; `null` for a record without one.
   * @throws `Error` if a record failed.
   */
  values(): (string | null)[] {
    const [first] = this.failed;
    if (first !== undefined) {
      throw new Error(`${this.failed.length} of the records failed; record ${first.index}: ${first.reason}`);
    }
    return this.records.map((record) => record.text);
  }
}

/** A started module. Its state lives from one batch to the next. */
class Runner {
  /** What the module has logged so far. */
  readonly log: LogLine[] = [];
  private readonly module: SmartModule;
  private readonly guest: Guest;
  private readonly ingest: boolean;
  private accumulator = "";
  private offset = 0;

  /** @internal */
  constructor(module: SmartModule, options: StartOptions) {
    this.module = module;
    this.ingest = options.ingest ?? false;
    const about = { name: "test", version: "0.0.0", description: "", language: "javascript" };
    this.guest = expose(module, about, "", (level, text) => {
      this.log.push({ level: LEVELS[level] ?? "info", text });
    });
    const params = resolveParams(module.options.params ?? {}, options.params ?? {});
    const init = JSON.stringify({ params, place: options.place ?? "a test" });
    told(() => this.guest.init(fromBinary(toBytes(init))));
  }

  /** Runs one batch. A join takes left and right records in turn. */
  run(records: Iterable<TestRecord>): Outcome {
    const whole = this.number(records);
    const kinds: { [kind: string]: number } = { aggregate: FrameKind.aggregate, join: FrameKind.join };
    const kind = kinds[this.module.kind] ?? FrameKind.records;
    const frame = writeFrame(kind, this.ingest ? -1 : 0, whole, kind === FrameKind.aggregate ? this.accumulator : "");
    const answer = readAnswer(told(() => this.guest.process(frame)), whole);
    if (answer.accumulator !== undefined) this.accumulator = answer.accumulator;
    return new Outcome(answer.records, answer.failed);
  }

  /**
   * Shows older records.
   * @throws `Error` with what the module says.
   */
  lookBack(records: Iterable<TestRecord>): void {
    const frame = writeFrame(FrameKind.lookBack, 0, this.number(records), "");
    told(() => this.guest.lookBack(frame));
  }

  private number(records: Iterable<TestRecord>): WholeRecord[] {
    return Array.from(records, (record) => {
      const fields = typeof record === "string" || record instanceof Uint8Array ? { value: record } : record;
      const { key = null, value = null, headers = [], timestamp = 0 } = fields;
      return { offset: this.offset++, key, value, headers: [...headers], timestamp };
    });
  }
}

/**
 * Starts a module.
 * @throws `Error` if a parameter is missing or wrong, or with what the module's `init` says.
 */
export function start(module: SmartModule, options: StartOptions = {}): Runner {
  return new Runner(module, options);
}

/** Starts a module and runs one batch. */
export function run(module: SmartModule, records: Iterable<TestRecord>, options: StartOptions = {}): Outcome {
  return start(module, options).run(records);
}

/** Turns a failure's bytes into an error. */
function told<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw thrown instanceof Uint8Array ? new Error(readFailure(thrown)) : thrown;
  }
}
