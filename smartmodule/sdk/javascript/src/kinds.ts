import { Records, Selection } from "./answer.js";
import { decodeUtf8, encodeUtf8, fromBinary, toBinary } from "./binary.js";
import type { Frame } from "./frame.js";
import { SmartModule } from "./module.js";
import type { AnyContext, AnyOptions, Context, Kind, Options } from "./module.js";
import type { Output } from "./output.js";
import { named, toBytes } from "./output.js";
import type { ParamSchema } from "./params.js";
import { InputRecord } from "./record.js";

/** No parameters. */
export type NoParams = { readonly [name in never]: never };

/** A function of any kind. */
type Any = (...given: never[]) => unknown;

/** Tells the two ways apart in which a module may be written: a function, or options and a function. */
function make<F extends Any>(
  kind: Kind,
  given: readonly [AnyOptions | F, F?],
  answer: (frame: Frame, run: F, context: AnyContext, options: AnyOptions) => Uint8Array,
): SmartModule {
  const [options, run] = typeof given[0] === "function" ? [{}, given[0]] : [given[0], given[1]];
  if (typeof run !== "function") throw new TypeError(`${kind} takes a function, or options and then a function`);
  return new SmartModule(kind, options, (frame, context) => answer(frame, run as F, context, options));
}

/** What a function says of a record that is to be kept or not. */
type Judge = (record: InputRecord, context: AnyContext) => unknown;

/** A selection of the records of which `judge` says `true`, or what `passes` takes for it. */
function selected(frame: Frame, judge: Judge, context: AnyContext, passes: (verdict: unknown) => boolean): Uint8Array {
  const answer = new Selection(frame);
  const count = frame.count;
  for (let index = 0; index < count; index++) {
    const record = new InputRecord(frame);
    try {
      const verdict = judge(record, context);
      if (verdict === true || passes(verdict)) answer.keep(index);
    } catch (error) {
      answer.fail(index, error);
    }
  }
  frame.finish();
  return answer.finish();
}

/** What `change` makes of each record. What a record left before it failed is taken back. */
function changed(
  frame: Frame,
  change: (record: InputRecord, index: number, answer: Records) => void,
): Records {
  const answer = new Records(frame);
  const count = frame.count;
  for (let index = 0; index < count; index++) {
    const record = new InputRecord(frame);
    const mark = answer.mark();
    try {
      change(record, index, answer);
    } catch (error) {
      answer.back(mark);
      answer.fail(index, error);
    }
  }
  frame.finish();
  return answer;
}

function refusePromise(answer: unknown): void {
  if (typeof answer === "object" && answer instanceof Promise) throw new TypeError(`the answer is ${named(answer)}`);
}

/**
 * Keeps the records for which `keep` is true. One for which it throws has failed.
 *
 * ```js
 * export default filter((record) => record.includes("error"));
 * ```
 */
export function filter(keep: (record: InputRecord) => boolean): SmartModule;
/** As above, with options. */
export function filter<const P extends ParamSchema = NoParams, S = undefined>(
  options: Options<P, S>,
  keep: (record: InputRecord, context: Context<P, S>) => boolean,
): SmartModule;
export function filter(...given: [AnyOptions | Any, Any?]): SmartModule {
  return make<Judge>("filter", given as [AnyOptions, Judge], (frame, keep, context) =>
    selected(frame, keep, context, (kept) => {
      refusePromise(kept);
      return Boolean(kept);
    }),
  );
}

/**
 * Refuses bad records: those for which `check` gives `false` or the reason why, or throws. On ingest the producer of a record
 * is told the reason.
 *
 * ```js
 * export default validate((record) => record.json().amount >= 0 || "the amount is negative");
 * ```
 */
export function validate(check: (record: InputRecord) => boolean | string | void): SmartModule;
/** As above, with options. */
export function validate<const P extends ParamSchema = NoParams, S = undefined>(
  options: Options<P, S>,
  check: (record: InputRecord, context: Context<P, S>) => boolean | string | void,
): SmartModule;
export function validate(...given: [AnyOptions | Any, Any?]): SmartModule {
  return make<Judge>("validate", given as [AnyOptions, Judge], (frame, check, context) =>
    selected(frame, check, context, (good) => {
      if (good === undefined || good === null) return true;
      if (good === false) throw new Error("the record is not valid");
      if (typeof good === "string") throw new Error(good);
      throw new TypeError(`the answer of validate is true, false or a reason, not ${named(good)}`);
    }),
  );
}

/**
 * Makes one record of each.
 *
 * ```js
 * export default map((record) => record.text().toUpperCase());
 * ```
 */
export function map(change: (record: InputRecord) => Output): SmartModule;
/** As above, with options. */
export function map<const P extends ParamSchema = NoParams, S = undefined>(
  options: Options<P, S>,
  change: (record: InputRecord, context: Context<P, S>) => Output,
): SmartModule;
export function map(...given: [AnyOptions | Any, Any?]): SmartModule {
  type Change = (record: InputRecord, context: AnyContext) => Output;
  return make<Change>("map", given as [AnyOptions, Change], (frame, change, context) =>
    changed(frame, (record, index, answer) => answer.push(index, record, change(record, context))).finish(),
  );
}

/**
 * Makes one record of each, or none where `change` gives `null` or nothing.
 *
 * ```js
 * export default filterMap((record) => record.json().address?.city);
 * ```
 */
export function filterMap(change: (record: InputRecord) => Output | null | undefined): SmartModule;
/** As above, with options. */
export function filterMap<const P extends ParamSchema = NoParams, S = undefined>(
  options: Options<P, S>,
  change: (record: InputRecord, context: Context<P, S>) => Output | null | undefined,
): SmartModule;
export function filterMap(...given: [AnyOptions | Any, Any?]): SmartModule {
  type Change = (record: InputRecord, context: AnyContext) => Output | null | undefined;
  return make<Change>("filter_map", given as [AnyOptions, Change], (frame, change, context) =>
    changed(frame, (record, index, answer) => {
      const output = change(record, context);
      if (output !== null && output !== undefined) answer.push(index, record, output);
    }).finish(),
  );
}

/**
 * Makes any number of records of each: an array of them, or whatever a generator yields.
 *
 * ```js
 * export default flatMap((record) => record.text().split("\n"));
 * ```
 */
export function flatMap(change: (record: InputRecord) => Iterable<Output>): SmartModule;
/** As above, with options. */
export function flatMap<const P extends ParamSchema = NoParams, S = undefined>(
  options: Options<P, S>,
  change: (record: InputRecord, context: Context<P, S>) => Iterable<Output>,
): SmartModule;
export function flatMap(...given: [AnyOptions | Any, Any?]): SmartModule {
  type Change = (record: InputRecord, context: AnyContext) => Iterable<Output>;
  return make<Change>("flat_map", given as [AnyOptions, Change], (frame, change, context) =>
    changed(frame, (record, index, answer) => {
      const outputs = change(record, context);
      if (typeof outputs !== "object" || outputs === null || !(Symbol.iterator in outputs)) {
        throw new TypeError(`the answer of flatMap is an array or a generator, not ${named(outputs)}`);
      }
      for (const output of outputs) answer.push(index, record, output);
    }).finish(),
  );
}

/** The options of an {@link aggregate}. */
export interface AggregateOptions<P extends ParamSchema, S, A> extends Options<P, S> {
  /**
   * The accumulator at the beginning. Between batches, and as the values that come out, accumulators are written as they are
   * if it is text or a `Uint8Array`, and else as JSON.
   */
  readonly initial: A;
}

/**
 * Folds records into an accumulator, and puts out the accumulator after each. Where `fold` throws, the record has failed and
 * the accumulator stays as it was.
 *
 * ```js
 * export default aggregate({ initial: 0 }, (sum, record) => sum + record.json().amount);
 * ```
 */
export function aggregate<A, const P extends ParamSchema = NoParams, S = undefined>(
  options: AggregateOptions<P, S, A>,
  fold: (accumulator: A, record: InputRecord, context: Context<P, S>) => A,
): SmartModule {
  const { initial } = options;
  const first = written(initial, initial);
  const isJson = typeof initial !== "string" && !(initial instanceof Uint8Array);
  return new SmartModule("aggregate", options, (frame, context) => {
    let binary = frame.accumulator.length === 0 ? first : toBinary(frame.accumulator);
    let accumulator = read(binary, initial);
    const answer = changed(frame, (record, index, answer) => {
      try {
        const folded = fold(accumulator, record, context as unknown as Context<P, S>);
        const next = written(folded, initial);
        answer.push(index, record, isJson ? decodeUtf8(next) : (folded as string | Uint8Array));
        [accumulator, binary] = [folded, next];
      } catch (error) {
        // It may have been changed in part.
        accumulator = read(binary, initial);
        throw error;
      }
    });
    return answer.finish(binary);
  });
}

/** An accumulator as a binary string, in the way of the one at the beginning. */
function written(accumulator: unknown, initial: unknown): string {
  if (typeof initial === "string" || initial instanceof Uint8Array) {
    if (typeof accumulator !== "string" && !(accumulator instanceof Uint8Array)) {
      throw new TypeError(`the accumulator was text or a Uint8Array at the beginning, and is now ${named(accumulator)}`);
    }
    return toBytes(accumulator);
  }
  refusePromise(accumulator);
  const json = JSON.stringify(accumulator) as string | undefined;
  if (json === undefined) throw new TypeError(`there is no JSON for the accumulator: it is ${named(accumulator)}`);
  return encodeUtf8(json);
}

function read<A>(binary: string, initial: A): A {
  if (initial instanceof Uint8Array) return fromBinary(binary) as A;
  const text = decodeUtf8(binary);
  return typeof initial === "string" ? (text as A) : (JSON.parse(text) as A);
}

/**
 * Makes one record of a left and a right one, or none where `combine` gives `null` or nothing. What is not changed is that of
 * the left one.
 *
 * ```js
 * export default join((left, right) => left.withJson({ ...left.json(), customer: right.json() }));
 * ```
 */
export function join(combine: (left: InputRecord, right: InputRecord) => Output | null | undefined): SmartModule;
/** As above, with options. */
export function join<const P extends ParamSchema = NoParams, S = undefined>(
  options: Options<P, S>,
  combine: (left: InputRecord, right: InputRecord, context: Context<P, S>) => Output | null | undefined,
): SmartModule;
export function join(...given: [AnyOptions | Any, Any?]): SmartModule {
  type Combine = (left: InputRecord, right: InputRecord, context: AnyContext) => Output | null | undefined;
  return make<Combine>("join", given as [AnyOptions, Combine], (frame, combine, context) => {
    if (frame.count % 2 !== 0) throw new Error(`a join takes pairs, not ${frame.count} records`);
    const answer = new Records(frame);
    for (let index = 0; index < frame.count; index += 2) {
      const left = new InputRecord(frame);
      const right = new InputRecord(frame);
      try {
        const output = combine(left, right, context);
        if (output !== null && output !== undefined) answer.push(index, left, output);
      } catch (error) {
        answer.fail(index, error);
      }
    }
    frame.finish();
    return answer.finish();
  });
}
