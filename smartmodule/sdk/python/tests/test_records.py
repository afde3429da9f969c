"""What a user sees of a record, and how a changed one is written."""

import pytest

from tidemill_smartmodule import Output, Record, RecordError, smartmodule
from tidemill_smartmodule.errors import FrameError
from tidemill_smartmodule.frame import Frame, FrameKind, write
from tidemill_smartmodule.frame import record as write_record
from tidemill_smartmodule.run import Exports
from tidemill_smartmodule.definition import of
from tidemill_smartmodule.testing import NOW, Answer, Runner, record


def test_a_record_shows_its_parts() -> None:
    one = record("value", key="key", headers=[("a", "1"), ("b", None), ("a", "2")], timestamp=5, offset=7)
    assert (one.key, one.value, one.timestamp, one.offset) == (b"key", b"value", 5, 7)
    assert one.headers == (("a", b"1"), ("b", None), ("a", b"2"))
    assert one.header("a") == b"2"
    assert one.header("b") is None
    assert one.header("c") is None
    assert one.key_text() == "key"


def test_a_record_on_ingest_has_no_offset() -> None:
    assert record("x", offset=None).offset is None


@pytest.mark.parametrize("size", [0, 1, 63, 64, 8191, 8192, 1 << 20])
def test_values_of_every_size_are_read(size: int) -> None:
    value = bytes(size)
    assert record(value, key=value).value == value
    assert record(value, key=value).key == value


def test_text_and_json_say_what_is_wrong() -> None:
    assert record("größe").text() == "größe"
    assert record('{"a": [1]}').json() == {"a": [1]}
    with pytest.raises(RecordError, match="no value"):
        record(None).text()
    with pytest.raises(RecordError, match="not text"):
        record(b"\xff").text()
    with pytest.raises(RecordError, match="not JSON"):
        record("{").json()
    with pytest.raises(RecordError, match="not JSON"):
        record(b"\xff").json()
    with pytest.raises(RecordError, match="no key"):
        record("x").key_text()
    assert record(b"\xff").text(default="") == ""
    assert record("{").json(default=None) is None
    assert record(None).json(default=3) == 3


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        record("x").value = b"y"  # type: ignore[misc]


def test_records_are_equal_by_what_they_say() -> None:
    assert record("x", key="k") == record("x", key="k")
    assert len({record("x"), record("x"), record("y")}) == 2


def test_an_output_keeps_what_is_not_changed() -> None:
    output = record("v", key="k", headers=[("h", "1")], timestamp=5).output()
    assert (output.key, output.value, output.headers, output.timestamp) == (b"k", b"v", (("h", b"1"),), 5)
    changed = output.with_key(None).with_value("w").with_header("i", None).without_header("h").with_timestamp(6)
    assert (changed.key, changed.value, changed.headers, changed.timestamp) == (None, b"w", (("i", None),), 6)
    assert output.with_json({"ü": 1}).value == '{"ü":1}'.encode()
    assert output.value == b"v"


@smartmodule.flat_map
def variations(one: Record) -> list[Record | Output]:
    """Every way in which a record can be written."""
    return [
        one,
        one.output(),
        one.with_value("other"),
        one.with_value(None),
        one.output().with_key("k2"),
        one.with_value("w").with_header("n", "m"),
        one.output().with_timestamp(NOW + 9),
        Output("new"),
        Output(None, key="k", headers=[("h", None)], timestamp=1),
    ]


@pytest.mark.parametrize("stamped", [False, True])
def test_every_way_to_write_a_record_gives_what_it_says(stamped: bool) -> None:
    written = [
        write_record(3, 0, b"key", b"v" * 100, (("h", b"1"), ("ü", None))),
        write_record(-3, 1, None, None),
        write_record(1 << 40, 1 << 33, b"", b""),
    ]
    data = write(FrameKind.RECORDS, written, base_offset=100, base_timestamp=NOW, stamped=stamped)
    exports = Exports(of(variations))
    exports.init(b"{}")
    answer = Answer(exports.process(data), 3, NOW)
    expected = []
    for source, one in enumerate(Frame(data).records()):
        for made in variations(one):
            timestamp = one.timestamp if made.timestamp is None else made.timestamp
            expected.append((source, made.key, made.value, made.headers, timestamp))
    assert [(source, got.key, got.value, got.headers, got.timestamp) for source, got in answer.records] == expected


def test_a_record_that_is_broken_within_fails_the_frame() -> None:
    good = write_record(0, 0, b"key", b"value", (("h", b"1"),))
    for at in range(1, len(good)):
        broken = bytearray(good)
        broken[at] = 0xFF
        frame = Frame(write(FrameKind.RECORDS, [bytes(broken)]))
        try:
            one = frame.records()[0]
            _ = one.key, one.value, one.headers
        except FrameError:
            continue
        # Any byte will do for the attributes and within a key, a value or a header.
        assert at == 1 or 0xFF in (one.key or b"") + (one.value or b"") + (one.headers[0][1] or b"")


def test_a_runner_counts_offsets() -> None:
    seen = []

    @smartmodule.filter
    def watch(one: Record) -> bool:
        seen.append(one.offset)
        return True

    runner = Runner(watch)
    runner.run([record("a"), record("b")])
    runner.run([record("c")])
    assert seen == [0, 1, 2]
