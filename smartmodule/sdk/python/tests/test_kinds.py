"""Each kind, by the examples, and what becomes of mistakes."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import capitals
import contains
import dedup
import doubled
import percentage
import pytest
import side_by_side
import total
import words

from tidemill_smartmodule import DefinitionError, Output, ParamError, Record, RecordError, log, smartmodule
from tidemill_smartmodule.definition import Definition, of
from tidemill_smartmodule.testing import Runner, record


def test_a_filter_keeps_some() -> None:
    records = [record("all is well"), record("an error"), record(None), record(b"\xff")]
    assert Runner(contains).values(records) == ["an error"]
    assert Runner(contains, text="well").values(records) == ["all is well"]
    kept = Runner(contains, invert=True).run(records)
    assert [index for index, _ in kept.records] == [0, 2, 3]


def test_a_function_is_still_called_as_it_is() -> None:
    assert contains.contains(record("an error"), contains.Options())
    assert not contains.contains(record("all is well"), contains.Options())


def test_a_map_makes_one_of_each() -> None:
    outcome = Runner(capitals).run([record("a", key="k"), record(b"\xff"), record("b")])
    assert [(source, one.value, one.key, one.headers) for source, one in outcome.records] == [
        (0, b"A", b"k", (("written", b"in capitals"),)),
        (2, b"B", None, (("written", b"in capitals"),)),
    ]
    assert outcome.failed == [(1, "the value is not text (UTF-8): invalid start byte at byte 0")]


def test_a_filter_map_makes_one_or_none() -> None:
    assert Runner(doubled).values([record("2"), record("x"), record(" 21 ")]) == ["4", "42"]


def test_a_flat_map_makes_many() -> None:
    outcome = Runner(words).run([record("a b"), record(""), record("c")])
    assert [(source, one.value) for source, one in outcome.records] == [(0, b"a"), (0, b"b"), (2, b"c")]


def test_a_flat_map_that_fails_half_way_gives_nothing_of_that_record() -> None:
    @smartmodule.flat_map
    def halfway(one: Record) -> Iterator[Output]:
        yield one.with_value("first")
        if one.value == b"bad":
            raise RecordError("it is bad")

    outcome = Runner(halfway).run([record("good"), record("bad"), record("good")])
    assert [source for source, _ in outcome.records] == [0, 2]
    assert outcome.failed == [(1, "it is bad")]


def test_validation_gives_reasons() -> None:
    outcome = Runner(percentage).run([record("50"), record("101"), record("x"), record(None)])
    assert [source for source, _ in outcome.records] == [0]
    assert outcome.failed == [
        (1, "101.0 is not from 0 to 100"),
        (2, "`x` is not a number"),
        (3, "the record has no value"),
    ]


def test_an_aggregate_goes_on_from_batch_to_batch() -> None:
    runner = Runner(total)
    assert runner.values([record("1"), record("2")]) == ["1", "3"]
    outcome = runner.run([record("x"), record("4")])
    assert outcome.values == [b"7"]
    assert [index for index, _ in outcome.failed] == [0]
    assert runner.accumulator == b"7"


def test_a_join_takes_pairs() -> None:
    left, right, other = record("order", key="1"), record("customer", key="1"), record("nobody", key="2")
    outcome = Runner(side_by_side).run([left, right, left, other])
    assert [(source, one.value) for source, one in outcome.records] == [(0, b"order customer")]


def test_state_is_rebuilt_by_looking_back() -> None:
    runner = Runner(dedup)
    runner.look_back([record("a"), record("b")])
    assert runner.values([record("a"), record("c"), record("c")]) == ["c"]
    assert runner.log[0] == (log.Level.DEBUG, "seen before: b'a'")
    assert Runner(dedup).values([record("a")]) == ["a"]


@dataclass
class Least:
    """Parameters of a class and of a function that looks back."""

    least: int


@smartmodule.filter
class Above:
    """Keeps what is above all that was before."""

    def __init__(self, params: Least) -> None:
        self.most = params.least

    def filter(self, one: Record) -> bool:
        value = int(one.text())
        above = value > self.most
        self.most = max(value, self.most)
        return above


def test_a_class_takes_parameters() -> None:
    assert Runner(Above, least=3).values([record("3"), record("4"), record("4"), record("5")]) == ["4", "5"]
    assert not Definition("filter", Above).describe("", "", "")["lookBack"]


def test_what_was_not_foreseen_fails_its_record_and_is_told_to_the_log() -> None:
    @smartmodule.map
    def lookup(one: Record) -> Output:
        return one.with_value({"a": "1"}[one.text()])

    runner = Runner(lookup)
    outcome = runner.run([record("a"), record("b"), record("c")])
    assert outcome.failed == [(1, "KeyError: 'b'"), (2, "KeyError: 'c'")]
    # Once a batch, with the place.
    ((level, text),) = runner.log
    assert level == log.Level.WARNING
    assert "in lookup" in text


def test_a_filter_without_return_is_told() -> None:
    @smartmodule.filter
    def forgetful(one: Record) -> bool:  # type: ignore[return]
        one.text()

    ((_, why),) = Runner(forgetful).run([record("x")]).failed
    assert "is a `return` missing?" in why


def test_a_map_that_gives_something_else_is_told() -> None:
    @smartmodule.map
    def text(one: Record) -> Output:
        return one.text()  # type: ignore[return-value]

    ((_, why),) = Runner(text).run([record("x")]).failed
    assert "not str" in why


def test_the_library_s_logging_ends_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    # The test runner has handlers of its own, which stay.
    monkeypatch.setattr(logging.root, "handlers", [])
    log.take_over_logging()

    @smartmodule.filter
    def tells(one: Record) -> bool:
        logging.getLogger("mine").warning("odd: %s", one.text())
        return True

    runner = Runner(tells)
    runner.run([record("x")])
    assert runner.log == [(log.Level.WARNING, "odd: x")]


def test_a_module_without_parameters_takes_none() -> None:
    with pytest.raises(ParamError, match="takes none"):
        Runner(words, text="x")


def test_what_cannot_be_a_module_is_told_at_once() -> None:
    with pytest.raises(DefinitionError, match="takes 0 arguments; it must take 1"):

        @smartmodule.filter  # type: ignore[type-var]
        def nothing() -> bool:
            return True

    with pytest.raises(DefinitionError, match="say the type of `params`"):

        @smartmodule.filter
        def untyped(one: Record, params) -> bool:  # type: ignore[no-untyped-def]
            return True

    with pytest.raises(DefinitionError, match="has no method `filter`"):

        @smartmodule.filter
        class Nothing:  # type: ignore[type-var]
            pass

    with pytest.raises(DefinitionError, match="is no SmartModule"):
        of(record)
    with pytest.raises(DefinitionError, match="has no SmartModule"):
        of(logging)


def test_the_first_lines_of_the_docstring_are_the_description() -> None:
    described = of(contains).describe("its-name", "1.2.3", "of the project")
    assert described["name"] == "its-name"
    assert described["version"] == "1.2.3"
    assert described["description"] == "Keeps records whose value contains a text."
    assert described["kind"] == "filter"
    assert of(dedup).describe("", "", "")["lookBack"] is True
