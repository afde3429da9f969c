package main

import (
	"slices"
	"testing"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

{% if kind == "filter" -%}
func TestRecordsWithTheTextAreKept(t *testing.T) {
	result, err := smartmodule.Run(map[string]any{"text": "lamp"},
		smartmodule.RecordOf("a chair"), smartmodule.RecordOf("a lamp"))
	if err != nil {
		t.Fatal(err)
	}
	if kept := result.Values(); !slices.Equal(kept, []string{"a lamp"}) {
		t.Errorf("kept %q", kept)
	}
}

func TestWithoutParametersItLooksForErrors(t *testing.T) {
	result, err := smartmodule.Run(nil, smartmodule.RecordOf("fine"), smartmodule.RecordOf("an error"))
	if err != nil {
		t.Fatal(err)
	}
	if kept := result.Values(); !slices.Equal(kept, []string{"an error"}) {
		t.Errorf("kept %q", kept)
	}
}
{%- elsif kind == "map" -%}
func TestValuesAreInCapitalsAndKeysStay(t *testing.T) {
	result, err := smartmodule.Run(nil, smartmodule.RecordOf("one").WithKey("k"))
	if err != nil {
		t.Fatal(err)
	}
	if made := result.Values(); !slices.Equal(made, []string{"ONE"}) {
		t.Errorf("made %q", made)
	}
	if key := string(result.Records[0].Key); key != "k" {
		t.Errorf("the key is %q", key)
	}
}
{%- elsif kind == "filter_map" -%}
func TestNumbersAreDoubledAndAllElseIsLeftOut(t *testing.T) {
	result, err := smartmodule.Run(nil,
		smartmodule.RecordOf("21"), smartmodule.RecordOf("many"), smartmodule.RecordOf("-4"))
	if err != nil {
		t.Fatal(err)
	}
	if made := result.Values(); !slices.Equal(made, []string{"42", "-8"}) {
		t.Errorf("made %q", made)
	}
}
{%- elsif kind == "flat_map" -%}
func TestEachWordBecomesARecord(t *testing.T) {
	result, err := smartmodule.Run(nil,
		smartmodule.RecordOf("to be"), smartmodule.RecordOf(""), smartmodule.RecordOf("or"))
	if err != nil {
		t.Fatal(err)
	}
	if made := result.Values(); !slices.Equal(made, []string{"to", "be", "or"}) {
		t.Errorf("made %q", made)
	}
}
{%- elsif kind == "validate" -%}
func TestOnlyPercentagesPass(t *testing.T) {
	result, err := smartmodule.Run(nil,
		smartmodule.RecordOf("50"), smartmodule.RecordOf("101"), smartmodule.RecordOf("many"))
	if err != nil {
		t.Fatal(err)
	}
	if passed := result.Values(); !slices.Equal(passed, []string{"50"}) {
		t.Errorf("passed %q", passed)
	}
	var reasons []string
	for _, failed := range result.Failed {
		reasons = append(reasons, failed.Reason)
	}
	if !slices.Equal(reasons, []string{"101 is not from 0 to 100", "`many` is not a whole number"}) {
		t.Errorf("refused with %q", reasons)
	}
}
{%- elsif kind == "aggregate" -%}
func TestSumsGoOnFromBatchToBatch(t *testing.T) {
	runner, err := smartmodule.Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	first, err := runner.Run(smartmodule.RecordOf("1"), smartmodule.RecordOf("20"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := runner.Run(smartmodule.RecordOf("-300"))
	if err != nil {
		t.Fatal(err)
	}
	if sums := append(first.Values(), second.Values()...); !slices.Equal(sums, []string{"1", "21", "-279"}) {
		t.Errorf("the sums are %q", sums)
	}
}
{%- elsif kind == "join" -%}
func TestPairsOfOneKeyAreJoined(t *testing.T) {
	result, err := smartmodule.Run(nil,
		smartmodule.RecordOf("a lamp for").WithKey("7"), smartmodule.RecordOf("Ada").WithKey("7"),
		smartmodule.RecordOf("a chair for").WithKey("8"), smartmodule.RecordOf("Grace").WithKey("9"))
	if err != nil {
		t.Fatal(err)
	}
	if joined := result.Values(); !slices.Equal(joined, []string{"a lamp for Ada"}) {
		t.Errorf("joined %q", joined)
	}
}
{%- endif %}
