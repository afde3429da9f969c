// What must compile, and what must not: the compiler is the test.

import { aggregate, filter, filterMap, flatMap, join, map, param, validate } from "@tidemill/smartmodule";
import type { InputRecord, Output, Params } from "@tidemill/smartmodule";

/** Compiles only where both types are the same. */
function same<A, B>(_: [A] extends [B] ? ([B] extends [A] ? true : never) : never): void {}

const schema = {
  text: param.string(),
  field: param.string({ oneOf: ["key", "value"], default: "value" }),
  most: param.integer({ optional: true }),
  invert: param.boolean({ default: false }),
  names: param.stringList(),
  rules: param.json<{ deny: string[] }>(),
};
same<
  Params<typeof schema>,
  {
    readonly text: string;
    readonly field: "key" | "value";
    readonly most: number | undefined;
    readonly invert: boolean;
    readonly names: readonly string[];
    readonly rules: { deny: string[] };
  }
>(true);

// @ts-expect-error: the default is none of the values
param.string({ oneOf: ["key", "value"], default: "header" });
// @ts-expect-error: the default is no number
param.integer({ default: "1" });

filter((record) => record.includes("a"));
// @ts-expect-error: a promise is no answer
filter(async (record) => record.includes("a"));
// @ts-expect-error: nor is text
filter((record) => record.text());

filter({ params: schema }, (record, { params, state }) => {
  same<typeof state, undefined>(true);
  same<typeof params.field, "key" | "value">(true);
  // @ts-expect-error: there is no such parameter
  void params.other;
  // @ts-expect-error: parameters do not change
  params.text = "";
  return record.includes(params.text);
});

filter({}, (_, { params }) => {
  // @ts-expect-error: there are no parameters
  const text: string | undefined = params.text;
  return text === "";
});

// The state is what `init` gives, with parameters or without.
filter(
  {
    params: { most: param.integer() },
    init: ({ params, place }) => new Map([[place, params.most]]),
    lookBack: (record, { state }) => void state.set(record.text(), 1),
  },
  (record, { state }) => {
    same<typeof state, Map<string, number>>(true);
    return state.has(record.text());
  },
);

map((record) => record.text());
map((record) => record.with({ value: record.value, headers: [...record.headers, ["a", "1"]] }));
map((record) => record.with({ headers: { a: "1", b: null } }));
// @ts-expect-error: an object is neither record nor text; `withJson` writes JSON
map((record) => record.json());
// @ts-expect-error: a map answers each record
map(() => null);

filterMap((record) => record.json<{ city?: string }>().city);
flatMap((record) => record.text().split(","));
flatMap(function* (record) {
  yield record;
  yield record.with({ value: null });
});
validate((record) => record.json<{ age: number }>().age > 17 || "too young");
validate(() => {});
// @ts-expect-error: a number is no verdict
validate(() => 1);

aggregate({ initial: 0 }, (sum, record) => {
  same<typeof sum, number>(true);
  return sum + record.json<number>();
});
aggregate({ initial: { n: 0 }, params: { by: param.number() } }, ({ n }, _, { params }) => ({ n: n + params.by }));
// @ts-expect-error: the accumulator stays of one type
aggregate({ initial: 0 }, () => "");

join((left, right) => left.withJson({ ...left.json<object>(), right: right.json() }));

// Functions may be declared elsewhere.
const named: (record: InputRecord) => Output = (record) => record;
map(named);

// @ts-expect-error: only the stream makes records
new InputRecord();
