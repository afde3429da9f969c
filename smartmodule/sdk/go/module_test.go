package smartmodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// registering lets a test register a module of its own.
func registering(t *testing.T, register func()) {
	t.Helper()
	registered = nil
	t.Cleanup(func() { registered = nil })
	register()
}

func run(t *testing.T, params map[string]any, records ...*Record) *Result {
	t.Helper()
	result, err := Run(params, records...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func equal(t *testing.T, got, wanted any) {
	t.Helper()
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("got %#v, not %#v", got, wanted)
	}
}

type wanted struct {
	Text string `param:"text" default:"error" doc:"What to look for"`
}

func TestAFilterKeepsAndFails(t *testing.T) {
	registering(t, func() {
		Filter(About{Name: "contains"}, func(record *Record, params *wanted) (bool, error) {
			if record.Value == nil {
				return true, errors.New("a tombstone")
			}
			return strings.Contains(record.Text(), params.Text), nil
		})
	})
	records := []*Record{RecordOf("fine"), RecordOf("an error"), {}, RecordOf("lamp")}
	result := run(t, nil, records...)
	equal(t, result.Values(), []string{"an error"})
	equal(t, result.Failed, []Failed{{Index: 2, Reason: "a tombstone"}})
	equal(t, run(t, map[string]any{"text": "lamp"}, records...).Records[0].Source, 3)
}

func TestAMapKeepsWhatItDoesNotChange(t *testing.T) {
	registering(t, func() {
		Map(About{Name: "capitals"}, func(record *Record, _ *None) (*Record, error) {
			made := record.With([]byte(strings.ToUpper(record.Text())))
			made.Headers = append(made.Headers, Header{Name: "n", Value: []byte{}})
			return made, nil
		})
	})
	one := RecordOf("one").WithKey("k")
	one.Timestamp, one.Headers = 17, []Header{{Name: "h"}}
	result := run(t, nil, one, RecordOf("two"))
	equal(t, result.Values(), []string{"ONE", "TWO"})
	first := result.Records[0]
	equal(t, []any{string(first.Key), first.Timestamp}, []any{"k", int64(17)})
	equal(t, first.Headers, []Header{{Name: "h"}, {Name: "n", Value: []byte{}}})
}

func TestAMapThatMakesNothingFails(t *testing.T) {
	registering(t, func() {
		Map(About{Name: "none"}, func(*Record, *None) (*Record, error) { return nil, nil })
	})
	equal(t, run(t, nil, RecordOf("x")).Failed, []Failed{{Index: 0, Reason: "the map made no record"}})
}

func TestAFilterMapLeavesOut(t *testing.T) {
	registering(t, func() {
		FilterMap(About{Name: "doubled"}, func(record *Record, _ *None) (*Record, error) {
			number, err := strconv.Atoi(record.Text())
			if err != nil {
				return nil, nil
			}
			return record.With(strconv.AppendInt(nil, int64(2*number), 10)), nil
		})
	})
	result := run(t, nil, RecordOf("many"), RecordOf("21"))
	equal(t, result.Values(), []string{"42"})
	equal(t, result.Records[0].Source, 1)
}

func TestAFlatMapMakesManyOfTheirSourcesTime(t *testing.T) {
	registering(t, func() {
		FlatMap(About{Name: "words"}, func(record *Record, _ *None) ([]*Record, error) {
			var made []*Record
			for _, word := range strings.Fields(record.Text()) {
				made = append(made, RecordOf(word))
			}
			return made, nil
		})
	})
	one, two := RecordOf("to be"), RecordOf("or")
	one.Timestamp, two.Timestamp = 5, 9
	result := run(t, nil, one, RecordOf(""), two)
	var seen []string
	for _, made := range result.Records {
		seen = append(seen, fmt.Sprintf("%d %d %s", made.Source, made.Timestamp, made.Text()))
	}
	equal(t, seen, []string{"0 5 to", "0 5 be", "2 9 or"})
}

func TestAValidateRefuses(t *testing.T) {
	registering(t, func() {
		Validate(About{Name: "short"}, func(record *Record, _ *None) error {
			if len(record.Value) > 3 {
				return fmt.Errorf("%d bytes are too many", len(record.Value))
			}
			return nil
		})
	})
	result := run(t, nil, RecordOf("a"), RecordOf("four"))
	equal(t, result.Values(), []string{"a"})
	equal(t, result.Failed, []Failed{{Index: 1, Reason: "4 bytes are too many"}})
}

func TestAReasonIsTextWhateverItQuotes(t *testing.T) {
	registering(t, func() {
		Validate(About{Name: "none"}, func(record *Record, _ *None) error { return errors.New(record.Text()) })
	})
	result := run(t, nil, RecordOf("a\xff"), RecordOf("größer"))
	equal(t, result.Failed, []Failed{{Index: 0, Reason: "a\uFFFD"}, {Index: 1, Reason: "größer"}})
}

func TestAnAggregateGoesOnFromBatchToBatch(t *testing.T) {
	registering(t, func() {
		Aggregate(About{Name: "longest"}, func(accumulator []byte, record *Record, _ *None) ([]byte, error) {
			if record.Text() == "bad" {
				return nil, errors.New("bad")
			}
			if len(record.Value) > len(accumulator) {
				return record.Value, nil
			}
			return accumulator, nil
		})
	})
	runner, err := Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	first, err := runner.Run(RecordOf("a"), RecordOf("bad"), RecordOf("abc"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, first.Values(), []string{"a", "abc"})
	equal(t, first.Failed, []Failed{{Index: 1, Reason: "bad"}})
	second, err := runner.Run(RecordOf("ab"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, second.Values(), []string{"abc"})
}

func TestAJoinTakesPairs(t *testing.T) {
	registering(t, func() {
		Join(About{Name: "pairs"}, func(left, right *Record, _ *None) (*Record, error) {
			if string(left.Key) != string(right.Key) {
				return nil, nil
			}
			return left.With([]byte(left.Text() + right.Text())), nil
		})
	})
	one, two := RecordOf("a").WithKey("1"), RecordOf("b").WithKey("2")
	equal(t, run(t, nil, one, two, two, two).Records[0].Source, 2)
	if _, err := Run(nil, one); err == nil {
		t.Error("half a pair was taken")
	}
}

func TestOlderRecordsAreSeenFirst(t *testing.T) {
	seen := map[string]bool{}
	look := func(record *Record) error {
		seen[record.Text()] = true
		return nil
	}
	registering(t, func() {
		Filter(About{Name: "dedup"}, func(record *Record, _ *None) (bool, error) {
			before := seen[record.Text()]
			return !before, look(record)
		}, LookBack(look))
	})
	runner, err := Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.LookBack(RecordOf("a")); err != nil {
		t.Fatal(err)
	}
	result, err := runner.Run(RecordOf("a"), RecordOf("b"), RecordOf("b"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, result.Values(), []string{"b"})
	var described struct{ LookBack bool }
	if err := json.Unmarshal(registered.description(), &described); err != nil || !described.LookBack {
		t.Errorf("the description does not say lookBack: %v", err)
	}
}

type every struct {
	Text    string          `param:"text" default:"a \"b\"" oneOf:"a \"b\",c" doc:"Some text"`
	Count   int64           `param:"count"`
	Ratio   *float64        `param:"ratio"`
	Strict  bool            `param:"strict" default:"true"`
	Names   []string        `param:"names" default:"[\"x\"]"`
	Raw     json.RawMessage `param:"raw" default:"{}"`
	Private int
}

func TestParametersOfEveryType(t *testing.T) {
	var given *every
	registering(t, func() {
		Filter(About{Name: "every"}, func(_ *Record, params *every) (bool, error) {
			given = params
			return true, nil
		}, OnStart(func(params *every) error {
			if params.Count < 0 {
				return errors.New("count must not be negative")
			}
			return nil
		}))
	})
	run(t, map[string]any{"count": 3, "ratio": 0.5}, RecordOf("x"))
	ratio := 0.5
	equal(t, *given, every{
		Text: `a "b"`, Count: 3, Ratio: &ratio, Strict: true, Names: []string{"x"}, Raw: json.RawMessage("{}"),
	})
	run(t, map[string]any{"count": 4, "strict": false}, RecordOf("x"))
	equal(t, []any{given.Count, given.Ratio == nil, given.Strict}, []any{int64(4), true, false})
	for text, params := range map[string]map[string]any{
		"parameter `count` is missing":                  nil,
		"parameter `count` must be of type integer":     {"count": "three"},
		"the module has no parameter `number`":          {"number": 1},
		"count must not be negative":                    {"count": -1},
		"parameter `names` must be of type stringList,": {"count": 1, "names": 7},
	} {
		if _, err := Start(params); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, not %q", err, text)
		}
	}
	var described struct {
		Params []struct {
			Name, Type, Description string
			Required                bool
			Default                 any
			OneOf                   []string
		}
	}
	if err := json.Unmarshal(registered.description(), &described); err != nil {
		t.Fatal(err)
	}
	equal(t, len(described.Params), 6)
	first, second := described.Params[0], described.Params[1]
	equal(t, []any{first.Name, first.Default, first.OneOf, first.Description, first.Required},
		[]any{"text", `a "b"`, []string{`a "b"`, "c"}, "Some text", false})
	equal(t, []any{second.Type, second.Required}, []any{"integer", true})
}

func TestAProgramIsOneModule(t *testing.T) {
	registering(t, func() {
		Validate(About{}, func(*Record, *None) error { return nil })
	})
	defer func() {
		if recover() == nil {
			t.Error("a second module was taken")
		}
	}()
	Validate(About{}, func(*Record, *None) error { return nil })
}

func TestTheLastHeaderOfANameCounts(t *testing.T) {
	record := Record{Headers: []Header{{Name: "a", Value: []byte("1")}, {Name: "b"}, {Name: "a", Value: []byte("2")}}}
	value, there := record.Header("a")
	equal(t, []any{string(value), there}, []any{"2", true})
	value, there = record.Header("b")
	equal(t, []any{value == nil, there}, []any{true, true})
	_, there = record.Header("c")
	equal(t, there, false)
}
