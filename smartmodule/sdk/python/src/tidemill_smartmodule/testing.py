"""Unit tests without a sandbox: the module runs as it is, behind the same frames.

    from tidemill_smartmodule.testing import Runner, record

    def test_errors_are_kept() -> None:
        runner = Runner(errors)
        assert runner.values([record("all is well"), record("an error")]) == ["an error"]
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from . import log, varint
from .definition import of
from .errors import ParamError, RecordError
from .frame import Frame, FrameKind, write
from .frame import record as write_record
from .record import Record
from .run import FRAME_KINDS, Exports, Failed

T = TypeVar("T")
NOW = 1_764_000_000_000
"""The time of test records, in milliseconds since 1970."""


def record(
    value: bytes | str | None = None,
    *,
    key: bytes | str | None = None,
    headers: Iterable[tuple[str, bytes | str | None]] = (),
    timestamp: int = NOW,
    offset: int | None = 0,
) -> Record:
    """A record to test with; text is written as UTF-8."""
    written = write_record(
        0, 0, _bytes(key), _bytes(value), tuple((name, _bytes(content)) for name, content in headers)
    )
    base_offset = -1 if offset is None else offset
    frame = write(FrameKind.RECORDS, [written], base_offset=base_offset, base_timestamp=timestamp)
    return Frame(frame).records()[0]


@dataclass
class Outcome:
    """What came of some records."""

    records: list[tuple[int, Record]] = field(default_factory=list)
    """What goes on, each with the number of the record it came of."""
    failed: list[tuple[int, str]] = field(default_factory=list)
    """Which failed, and why."""

    @property
    def values(self) -> list[bytes | None]:
        """The values of what goes on."""
        return [record.value for _, record in self.records]


class Runner:
    """A module, started."""

    def __init__(self, module: object, **params: object) -> None:
        """Starts it.

        Args:
            module: what was decorated, or the Python module that holds it.
            params: its parameters by name, as the server would give them.

        Raises:
            ParamError: the parameters do not fit, or the module does not start with them.
        """
        self.log: list[tuple[log.Level, str]] = []
        """What the module logged."""
        self.accumulator = b""
        """What an aggregate came to so far."""
        self._offset = 0
        definition = of(module)
        self._kind = definition.kind
        self._exports = Exports(definition)
        try:
            self._logged(self._exports.init, json.dumps({"params": params, "place": "a test"}).encode())
        except Failed as failed:
            raise ParamError(failed.message) from failed

    def run(self, records: Sequence[Record]) -> Outcome:
        """Runs one batch. A join takes pairs: a left record, then its right one."""
        accumulator = self.accumulator if self._kind == "aggregate" else b""
        frame = self._frame(FRAME_KINDS.get(self._kind, FrameKind.RECORDS), records, accumulator)
        answer = self._logged(self._exports.process, frame)
        read = Answer(answer, len(records), NOW)
        if read.accumulator is not None:
            self.accumulator = read.accumulator
        kept = Frame(frame).records()
        going_on = read.records if read.selection is None else [(index, kept[index]) for index in read.selection]
        return Outcome(going_on, read.failed)

    def values(self, records: Sequence[Record]) -> list[str]:
        """Runs one batch, and gives the values that come out, as text.

        Raises:
            AssertionError: a record failed.
        """
        outcome = self.run(records)
        if outcome.failed:
            raise AssertionError(f"records failed: {outcome.failed}")
        return [record.text() for _, record in outcome.records]

    def look_back(self, records: Sequence[Record]) -> None:
        """Shows older records.

        Raises:
            RecordError: the module cannot rebuild its state from them.
        """
        try:
            self._logged(self._exports.look_back, self._frame(FrameKind.LOOK_BACK, records, b""))
        except Failed as failed:
            raise RecordError(failed.message) from failed

    def _frame(self, kind: FrameKind, records: Sequence[Record], accumulator: bytes) -> bytes:
        written = []
        for offset, one in enumerate(records):
            written.append(write_record(one.timestamp - NOW, offset, one.key, one.value, one.headers))
        base = self._offset
        self._offset += len(records)
        return write(kind, written, base_offset=base, base_timestamp=NOW, accumulator=accumulator)

    def _logged(self, call: Callable[[bytes], T], argument: bytes) -> T:
        before = log.redirect(lambda level, text: self.log.append((level, text)))
        try:
            return call(argument)
        finally:
            log.redirect(before)


class Answer:
    """An answer, read and checked as the server does it.

    Raises:
        ValueError: it is none.
    """

    def __init__(self, data: bytes, count: int, base_timestamp: int) -> None:
        """Reads one to a frame of `count` records."""
        if len(data) < 16:
            raise ValueError("the bytes end within the header of an answer")
        version, kind, flags, zero, number, failed, accumulator = struct.unpack_from("<BBBBIII", data)
        if version != 1 or kind > 1 or flags & ~1 or zero:
            raise ValueError("the header of an answer is not valid")
        self.selection: list[int] | None = None
        """The records that are kept; `None` where the answer has records."""
        self.records: list[tuple[int, Record]] = []
        """The records, each with the number of the one it came of."""
        self.failed: list[tuple[int, str]] = []
        """Which failed, and why."""
        at = 16
        if kind == 0:
            at = self._read_selection(data, number, count)
        else:
            at = self._read_records(data, at, number, (count, base_timestamp))
        at = self._read_failed(data, at, failed, count)
        self.accumulator: bytes | None = None
        """What an aggregate came to."""
        if flags & 1:
            self.accumulator = data[at : at + accumulator]
        elif accumulator:
            raise ValueError("an answer without an accumulator gives its length")
        if at + accumulator != len(data):
            raise ValueError("an answer does not end where it should")

    def _read_selection(self, data: bytes, number: int, count: int) -> int:
        if number != count:
            raise ValueError(f"a selection of {number} answers a frame of {count}")
        end = 16 + (count + 7) // 8
        bits = int.from_bytes(data[16:end], "little")
        if end > len(data) or bits >> count:
            raise ValueError("a selection is cut short, or has a bit that stands for no record")
        self.selection = [index for index in range(count) if bits >> index & 1]
        return end

    def _read_records(self, data: bytes, at: int, number: int, of: tuple[int, int]) -> int:
        count, base_timestamp = of
        least = 0
        for _ in range(number):
            source, at = varint.read(data, at, len(data), "the source of a record")
            if not least <= source < count:
                raise ValueError(f"record {source} is no source, or goes back")
            least = source
            begin = at
            length, at = varint.length(data, at, len(data), "the length of a record")
            at += length
            frame = Frame(write(FrameKind.RECORDS, [data[begin:at]], base_timestamp=base_timestamp))
            made = frame.records()[0]
            # Read to its end, so that what is wrong with it shows here.
            _ = made.headers
            self.records.append((source, made))
        return at

    def _read_failed(self, data: bytes, at: int, failed: int, count: int) -> int:
        least = 0
        for _ in range(failed):
            index, at = varint.read(data, at, len(data), "the number of a failed record")
            if not least <= index < count:
                raise ValueError(f"record {index} fails twice, or is none")
            least = index + 1
            length, at = varint.length(data, at, len(data), "the message of a failed record")
            self.failed.append((index, data[at : at + length].decode()))
            at += length
        return at


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
