import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { aggregate, filter, filterMap, flatMap, join, log, map, param, validate } from "@tidemill/smartmodule";
import { run, start } from "@tidemill/smartmodule/testing";

describe("filter", () => {
  test("keeps what it is true for, and what it throws for has failed", () => {
    const module = filter((record) => {
      if (record.includes("bad")) throw new Error("it is bad");
      return record.includes("a");
    });
    const outcome = run(module, ["a", "b", "bad", "ca"]);
    assert.deepEqual(outcome.records.map((record) => record.text), ["a", "ca"]);
    assert.deepEqual(outcome.records.map((record) => record.source), [0, 3]);
    assert.deepEqual(outcome.failed, [{ index: 2, reason: "it is bad" }]);
    assert.throws(() => outcome.values(), /record 2: it is bad/);
  });

  test("hands through keys, headers and timestamps", () => {
    const [record] = run(filter(() => true), [
      { key: "k", value: null, headers: [["größe", "1"], ["h", null]], timestamp: 17 },
    ]).records;
    assert.equal(record.keyText, "k");
    assert.equal(record.value, null);
    assert.equal(record.timestamp, 17);
    assert.equal(record.headerText("größe"), "1");
    assert.equal(record.headerText("h"), null);
  });

  test("cannot be async", () => {
    const { failed } = run(filter(async () => true), ["a"]);
    assert.match(failed[0].reason, /cannot be async/);
  });

  test("takes a function", () => {
    assert.throws(() => filter({ description: "nothing" }), /takes a function/);
  });

  test("answers more than eight records, and none", () => {
    const numbers = Array.from({ length: 21 }, (_, at) => String(at));
    const even = filter((record) => Number(record.text()) % 2 === 0);
    assert.deepEqual(run(even, numbers).values(), numbers.filter((_, at) => at % 2 === 0));
    assert.deepEqual(run(even, []).values(), []);
  });
});

describe("records", () => {
  const see = (what, record, options) => {
    let seen;
    const { failed } = run(filter((record) => ((seen = what(record)), true)), [record], options);
    if (failed.length > 0) throw new Error(failed[0].reason);
    return seen;
  };

  test("have a value as bytes, text and JSON", () => {
    assert.deepEqual(see((record) => record.value, "é"), new Uint8Array([0xc3, 0xa9]));
    assert.equal(see((record) => record.text(), "日本"), "日本");
    assert.deepEqual(see((record) => record.json(), '{"é": [1]}'), { é: [1] });
  });

  test("without a value, with binary or with broken ones say so", () => {
    assert.throws(() => see((record) => record.text(), { value: null }), /has no value/);
    assert.throws(() => see((record) => record.text(), new Uint8Array([0xff])), /the value is not text/);
    assert.throws(() => see((record) => record.json(), "{"), /the value is not JSON/);
    assert.throws(() => see((record) => record.keyText(), { key: new Uint8Array([0xff]) }), /the key is not text/);
    assert.equal(see((record) => record.includes(""), { value: null }), false);
  });

  test("tell an empty part from a missing one", () => {
    assert.deepEqual(see((record) => [record.key, record.value?.length], { key: null, value: "" }), [null, 0]);
    assert.equal(see((record) => record.keyText(), { key: "" }), "");
  });

  test("have headers, of which the last of a name counts", () => {
    const record = { value: "v", headers: [["a", "1"], ["b", null], ["a", "2"]] };
    assert.equal(see((record) => record.headerText("a"), record), "2");
    assert.equal(see((record) => record.header("b"), record), null);
    assert.equal(see((record) => record.header("c"), record), undefined);
    assert.deepEqual(see((record) => record.headers.map(([name]) => name), record), ["a", "b", "a"]);
  });

  test("have no offset on ingest", () => {
    assert.equal(see((record) => record.offset, "v"), 0);
    assert.equal(see((record) => record.offset, "v", { ingest: true }), null);
  });

  test("are searched each by itself, in any order and for several texts", () => {
    const values = ["ab", "b", "xaby", "", "a", "abab", "größe"];
    const kept = [];
    const keep = filter((record) => {
      kept.push(record);
      const looked = ["ab", "a", "", "b", "ö", "zz"].map((text) => record.includes(text));
      assert.deepEqual(looked, ["ab", "a", "", "b", "ö", "zz"].map((text) => record.text().includes(text)));
      return record.includes("ab");
    });
    assert.deepEqual(run(keep, values).values(), ["ab", "xaby", "abab"]);
    assert.deepEqual(kept.reverse().map((record) => record.includes("ab")), [false, true, false, false, true, false, true]);
  });
});

describe("map", () => {
  test("takes text, bytes, records and changed records", () => {
    const answers = {
      text: () => "größer",
      bytes: () => new Uint8Array([0, 0xff]),
      same: (record) => record,
      changed: (record) => record.with({ value: "1" }).with({ key: null, timestamp: 5 }),
      json: (record) => record.withJson({ a: "é" }),
      tombstone: (record) => record.with({ value: null }),
    };
    const module = map((record) => answers[record.text()](record));
    const sent = Object.keys(answers).map((value) => ({ key: "k", value, headers: [["h", "1"]], timestamp: 9 }));
    const { records, failed } = run(module, sent);
    assert.deepEqual(failed, []);
    assert.deepEqual(records.map(({ value }) => value && Buffer.from(value).toString("hex")), [
      Buffer.from("größer").toString("hex"), "00ff", Buffer.from("same").toString("hex"), "31",
      Buffer.from('{"a":"é"}').toString("hex"), null,
    ]);
    assert.deepEqual(records.map(({ keyText }) => keyText), ["k", "k", "k", null, "k", "k"]);
    assert.deepEqual(records.map(({ timestamp }) => timestamp), [9, 9, 9, 5, 9, 9]);
    assert.deepEqual(records.map((record) => record.headerText("h")), Array(6).fill("1"));
  });

  test("changes headers, given as pairs or as an object", () => {
    const added = map((record) => record.with({ headers: [...record.headers, ["b", "é"], ["c", null]] }));
    const [first] = run(added, [{ value: "v", headers: [["a", new Uint8Array([0xff])]] }]).records;
    assert.deepEqual(first.headers.map(([name]) => name), ["a", "b", "c"]);
    assert.deepEqual(first.headers[0][1], new Uint8Array([0xff]));
    assert.equal(first.headerText("b"), "é");
    const [second] = run(map((record) => record.with({ headers: { x: "1", y: null } })), ["v"]).records;
    assert.deepEqual(second.headers.map(([name]) => name), ["x", "y"]);
  });

  test("fails what has no answer, and says why", () => {
    for (const [answer, why] of [
      [undefined, /not undefined/],
      [{ a: 1 }, /not an object \(Object\)/],
      [12, /not a number/],
      [Promise.resolve("v"), /cannot be async/],
    ]) {
      const { failed, records } = run(map(() => answer), ["v"]);
      assert.match(failed[0].reason, why);
      assert.deepEqual(records, []);
    }
    assert.match(run(map((record) => record.with({ value: 5 })), ["v"]).failed[0].reason, /TypeError: .*not a number/);
    assert.match(run(map((record) => record.with({ timestamp: 1.5 })), ["v"]).failed[0].reason, /whole number/);
    assert.match(run(map((record) => record.withJson(undefined)), ["v"]).failed[0].reason, /no JSON/);
  });

  test("may answer with a record that came before", () => {
    let first;
    const module = map((record) => (first ??= record));
    assert.deepEqual(run(module, ["a", "b"]).values(), ["a", "a"]);
  });
});

test("filterMap leaves out null and undefined, and keeps empty text", () => {
  const module = filterMap((record) => ({ a: "A", b: null, c: undefined, d: "" })[record.text()]);
  assert.deepEqual(run(module, ["a", "b", "c", "d"]).values(), ["A", ""]);
});

describe("flatMap", () => {
  test("takes arrays and generators", () => {
    assert.deepEqual(run(flatMap((record) => record.text().split(" ")), ["a b", "c"]).values(), ["a", "b", "c"]);
    const counted = flatMap(function* (record) {
      for (let at = 0; at < Number(record.text()); at++) yield record.with({ value: `${at}` });
    });
    assert.deepEqual(run(counted, ["2", "0", "1"]).records.map(({ source, text }) => [source, text]), [
      [0, "0"], [0, "1"], [2, "0"],
    ]);
  });

  test("takes back what a record left before it failed", () => {
    const module = flatMap(function* (record) {
      yield "before";
      if (record.includes("bad")) throw new Error("no");
    });
    const { records, failed } = run(module, ["good", "bad", "good"]);
    assert.deepEqual(records.map(({ source }) => source), [0, 2]);
    assert.deepEqual(failed, [{ index: 1, reason: "no" }]);
  });

  test("does not take text for an array", () => {
    assert.match(run(flatMap((record) => record.text()), ["ab"]).failed[0].reason, /not a string/);
  });
});

test("validate takes true and nothing for good, and the rest for a reason", () => {
  const verdicts = { good: true, fine: undefined, bad: false, worse: "it is worse", odd: 5 };
  const module = validate((record) => {
    if (record.includes("throw")) throw new RangeError("too far");
    return verdicts[record.text()];
  });
  const { records, failed } = run(module, [...Object.keys(verdicts), "throw"]);
  assert.deepEqual(records.map(({ text }) => text), ["good", "fine"]);
  assert.deepEqual(failed.map(({ reason }) => reason), [
    "the record is not valid",
    "it is worse",
    "TypeError: the answer of validate is true, false or a reason, not a number",
    "RangeError: too far",
  ]);
});

describe("aggregate", () => {
  test("keeps its accumulator from batch to batch, as JSON", () => {
    const runner = start(aggregate({ initial: { sum: 0 } }, (so, record) => ({ sum: so.sum + Number(record.text()) })));
    assert.deepEqual(runner.run(["1", "2"]).values(), ['{"sum":1}', '{"sum":3}']);
    assert.deepEqual(runner.run([]).values(), []);
    assert.deepEqual(runner.run(["4"]).values(), ['{"sum":7}']);
  });

  test("keeps text and bytes as they are", () => {
    const text = start(aggregate({ initial: "" }, (all, record) => all + record.text()));
    assert.deepEqual([text.run(["é"]).values(), text.run(["b"]).values()], [["é"], ["éb"]]);
    const bytes = start(aggregate({ initial: new Uint8Array([1]) }, (all, record) => new Uint8Array([...all, ...record.value])));
    bytes.run(["a"]);
    assert.deepEqual(bytes.run([new Uint8Array([0xff])]).records[0].value, new Uint8Array([1, 97, 0xff]));
  });

  test("stays as it was where a record fails, even if it was changed in part", () => {
    const module = aggregate({ initial: { all: [] } }, (so, record) => {
      so.all.push(record.text());
      if (record.includes("bad")) throw new Error("no");
      return so;
    });
    const { records, failed } = start(module).run(["a", "bad", "b"]);
    assert.deepEqual(records.map((record) => record.json().all), [["a"], ["a", "b"]]);
    assert.deepEqual(failed, [{ index: 1, reason: "no" }]);
    assert.deepEqual(start(module).run(["c"]).values(), ['{"all":["c"]}'], "the first accumulator is nobody's");
  });

  test("refuses what is no accumulator", () => {
    assert.match(run(aggregate({ initial: 0 }, () => undefined), ["a"]).failed[0].reason, /no JSON for the accumulator/);
    assert.match(run(aggregate({ initial: "" }, () => 5), ["a"]).failed[0].reason, /text or a Uint8Array/);
  });
});

test("join gets pairs, and answers for the left one", () => {
  const module = join((left, right) =>
    left.keyText() === right.keyText() ? left.with({ value: `${left.text()} ${right.text()}` }) : null,
  );
  const pair = (key, value) => ({ key, value });
  const { records } = run(module, [pair("1", "order"), pair("1", "customer"), pair("2", "order"), pair("3", "customer")]);
  assert.deepEqual(records.map(({ source, keyText, text }) => [source, keyText, text]), [[0, "1", "order customer"]]);
  assert.throws(() => run(module, ["left"]), /takes pairs, not 1 records/);
});

describe("parameters", () => {
  const module = filter(
    {
      params: {
        text: param.string(),
        field: param.string({ oneOf: ["key", "value"], default: "value" }),
        most: param.integer({ optional: true }),
        names: param.stringList({ default: [] }),
        more: param.json({ optional: true }),
      },
    },
    (record, { params }) => record.includes(JSON.stringify(params)),
  );
  const params = (given) => {
    let seen;
    start(filter({ ...module.options, init: ({ params }) => (seen = params) }, () => true), { params: given });
    return seen;
  };

  test("come with defaults filled in", () => {
    assert.deepEqual(params({ text: "t" }), { text: "t", field: "value", names: [] });
    assert.deepEqual(params({ text: "t", most: 3, more: { a: 1 } }).more, { a: 1 });
  });

  test("are refused where the server would refuse them", () => {
    assert.throws(() => params({}), /`text` is missing/);
    assert.throws(() => params({ text: 5 }), /`text` must be of type string, not 5/);
    assert.throws(() => params({ text: "t", most: 1.5 }), /`most` must be of type integer/);
    assert.throws(() => params({ text: "t", field: "other" }), /must be one of key, value/);
    assert.throws(() => params({ text: "t", else: 1 }), /no parameter `else`/);
  });
});

describe("state", () => {
  const dedup = filter(
    {
      init: ({ place }) => ({ seen: new Set(), place }),
      lookBack: (record, { state }) => void state.seen.add(record.text()),
    },
    (record, { state }) => {
      const isNew = !state.seen.has(record.text());
      state.seen.add(record.text());
      if (!isNew) log.warn("seen in", state.place, { value: record.text() });
      return isNew;
    },
  );

  test("lives from batch to batch, is rebuilt by looking back, and is each runner's own", () => {
    const runner = start(dedup, { place: "a view" });
    runner.lookBack(["old"]);
    assert.deepEqual(runner.run(["a", "old"]).values(), ["a"]);
    assert.deepEqual(runner.run(["a", "b"]).values(), ["b"]);
    assert.deepEqual(start(dedup).run(["a"]).values(), ["a"]);
    assert.deepEqual(runner.log, [
      { level: "warn", text: 'seen in a view {"value":"old"}' },
      { level: "warn", text: 'seen in a view {"value":"a"}' },
    ]);
  });

  test("a start that fails says why", () => {
    const module = filter({ init: () => { throw new Error("no such table"); } }, () => true);
    assert.throws(() => start(module), /no such table/);
  });
});
