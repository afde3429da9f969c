"""The golden vectors, which another program wrote from the description of the bytes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tidemill_smartmodule.answer import DROPPED, KEPT, Failures, records, selection
from tidemill_smartmodule.errors import FrameError
from tidemill_smartmodule.frame import Frame, FrameKind, write
from tidemill_smartmodule.frame import record as write_record
from tidemill_smartmodule.record import Output, Record
from tidemill_smartmodule.testing import Answer
from tidemill_smartmodule.varint import write as varint

HOUSE = Path(__file__).parents[4]
VECTORS = json.loads((HOUSE / "contract/frame/vectors/vectors.json").read_text(encoding="utf-8"))


def named(kind: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS[kind]]


def hexed(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def unhexed(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value)


def said(record: Record) -> dict[str, object]:
    return {
        "timestamp": record.timestamp,
        "key": hexed(record.key),
        "value": hexed(record.value),
        "headers": [[name, hexed(value)] for name, value in record.headers],
    }


def headers(vector: Any) -> tuple[tuple[str, bytes | None], ...]:
    return tuple((name, unhexed(value)) for name, value in vector["headers"])


@pytest.mark.parametrize("vector", named("frames"))
def test_a_frame_is_read(vector: Any) -> None:
    frame = Frame(bytes.fromhex(vector["hex"]))
    assert frame.kind.name.lower() == vector["kind"]
    assert frame.base_offset == vector["baseOffset"]
    assert frame.base_timestamp == vector["baseTimestamp"]
    assert frame.stamped == vector["stamped"]
    assert frame.accumulator.hex() == vector["accumulator"]
    offsets = [-1 if record.offset is None else record.offset for record in frame.records()]
    assert [{"offset": offset, **said(record)} for offset, record in zip(offsets, frame.records(), strict=True)] == (
        vector["records"]
    )


@pytest.mark.parametrize("vector", [case for case in named("frames") if not case.values[0]["stamped"]])
def test_a_frame_is_written(vector: Any) -> None:
    base = max(vector["baseOffset"], 0)
    timestamp = vector["baseTimestamp"]
    # The bytes of a frame without offsets still have deltas; they say nothing.
    offsets = [record["offset"] - base for record in vector["records"]]
    if vector["baseOffset"] < 0:
        offsets = [0, 1, 4]
    written = [
        write_record(
            record["timestamp"] - timestamp, offset, unhexed(record["key"]), unhexed(record["value"]), headers(record)
        )
        for offset, record in zip(offsets, vector["records"], strict=True)
    ]
    frame = write(
        FrameKind[vector["kind"].upper()],
        written,
        base_offset=vector["baseOffset"],
        base_timestamp=timestamp,
        accumulator=bytes.fromhex(vector["accumulator"]),
    )
    assert frame.hex() == vector["hex"]


@pytest.mark.parametrize("vector", named("refusedFrames"))
def test_what_is_no_frame_is_refused(vector: Any) -> None:
    with pytest.raises(FrameError):
        Frame(bytes.fromhex(vector["hex"])).records()


@pytest.mark.parametrize("vector", named("frames"))
def test_a_frame_that_is_cut_short_is_refused(vector: Any) -> None:
    whole = bytes.fromhex(vector["hex"])
    for end in range(len(whole)):
        with pytest.raises(FrameError):
            Frame(whole[:end]).records()


@pytest.mark.parametrize("vector", named("answers"))
def test_an_answer_is_written_and_read(vector: Any) -> None:
    failures = Failures()
    for index, why in vector["failed"]:
        failures.add(index, why)
    accumulator = unhexed(vector["accumulator"])
    count, timestamp = vector["count"], vector["baseTimestamp"]
    if vector["selection"] is not None:
        marks = bytearray(KEPT if index in vector["selection"] else DROPPED for index in range(count))
        answer = selection(marks, failures)
    else:
        frame = write(FrameKind.RECORDS, [write_record(0, 0, None, None)], base_timestamp=timestamp)
        source = Frame(frame).records()[0]
        written: list[bytes] = []
        for record in vector["records"]:
            output = Output(
                unhexed(record["value"]),
                key=unhexed(record["key"]),
                headers=headers(record),
                timestamp=record["timestamp"],
            )
            body = output._written(source)
            written += (varint(record["source"]), varint(len(body)), body)
        answer = records(written, len(vector["records"]), failures, accumulator)
    assert answer.hex() == vector["hex"]

    read = Answer(answer, count, timestamp)
    assert read.selection == vector["selection"]
    assert read.failed == [tuple(failed) for failed in vector["failed"]]
    assert read.accumulator == accumulator
    if vector["records"] is not None:
        assert [{"source": source, **said(record)} for source, record in read.records] == vector["records"]


@pytest.mark.parametrize("vector", named("refusedAnswers"))
def test_what_is_no_answer_is_refused(vector: Any) -> None:
    with pytest.raises(ValueError):
        Answer(bytes.fromhex(vector["hex"]), vector["count"], 0)


def test_the_wit_is_that_of_the_contract() -> None:
    own = Path(__file__).parents[1] / "src/tidemill_smartmodule/wit/smartmodule.wit"
    assert own.read_text(encoding="utf-8") == (HOUSE / "contract/wit/smartmodule.wit").read_text(encoding="utf-8")
