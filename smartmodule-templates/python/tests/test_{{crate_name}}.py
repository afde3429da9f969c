"""The module, without a sandbox."""

from tidemill_smartmodule.testing import Runner, record

import {{crate_name}}


{% if kind == "filter" -%}
def test_records_with_the_text_are_kept() -> None:
    runner = Runner({{crate_name}}, text="lamp")
    assert runner.values([record("a chair"), record("a lamp"), record("lamps")]) == ["a lamp", "lamps"]


def test_without_parameters_it_looks_for_errors() -> None:
    assert Runner({{crate_name}}).values([record("fine"), record("an error")]) == ["an error"]
{%- elsif kind == "map" -%}
def test_values_are_in_capitals_and_keys_stay() -> None:
    ((source, made),) = Runner({{crate_name}}).run([record("one", key="k")]).records
    assert (source, made.value, made.key) == (0, b"ONE", b"k")


def test_a_value_that_is_no_text_fails() -> None:
    outcome = Runner({{crate_name}}).run([record(b"\xff"), record("two")])
    assert [index for index, _ in outcome.failed] == [0]
    assert outcome.values == [b"TWO"]
{%- elsif kind == "filter_map" -%}
def test_numbers_are_doubled_and_all_else_is_left_out() -> None:
    assert Runner({{crate_name}}).values([record("21"), record("many"), record("-4")]) == ["42", "-8"]
{%- elsif kind == "flat_map" -%}
def test_each_word_becomes_a_record() -> None:
    assert Runner({{crate_name}}).values([record("to be"), record(""), record("or")]) == ["to", "be", "or"]
{%- elsif kind == "validate" -%}
def test_only_percentages_pass() -> None:
    outcome = Runner({{crate_name}}).run([record("50"), record("101"), record("many")])
    assert outcome.values == [b"50"]
    assert outcome.failed == [(1, "101 is not from 0 to 100"), (2, "`many` is not a whole number")]
{%- elsif kind == "aggregate" -%}
def test_sums_go_on_from_batch_to_batch() -> None:
    runner = Runner({{crate_name}})
    assert runner.values([record("1"), record("20")]) == ["1", "21"]
    assert runner.values([record("-300")]) == ["-279"]
{%- elsif kind == "join" -%}
def test_pairs_of_one_key_are_joined() -> None:
    pairs = [
        record("a lamp for", key="7"),
        record("Ada", key="7"),
        record("a chair for", key="8"),
        record("Grace", key="9"),
    ]
    assert Runner({{crate_name}}).values(pairs) == ["a lamp for Ada"]
{%- endif %}
