"""From frames to functions, and from what they give to answers. The same code runs in the sandbox and in unit tests."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Final

from . import answer, log, varint
from .answer import DROPPED, KEPT, Failures
from .definition import Definition, Started
from .errors import FrameError, RecordError
from .frame import Frame, FrameKind
from .record import Output, Record


class Failed(Exception):
    """A whole call failed."""

    def __init__(self, message: str, index: int | None = None) -> None:
        """With the number of the record at which it happened, if it was one."""
        super().__init__(message)
        self.message = message
        self.index = index

    def written(self) -> bytes:
        """As the contract has it."""
        return answer.failure(self.message, self.index)


class Exports:
    """A module, as the host calls it."""

    def __init__(self, definition: Definition, name: str = "", version: str = "", description: str = "") -> None:
        """With what its project says of itself."""
        self._definition = definition
        self._described = definition.describe(name, version, description)
        self._started: Started | None = None

    def describe(self) -> bytes:
        """What it is, as JSON."""
        return json.dumps(self._described, ensure_ascii=False).encode()

    def init(self, parameters: bytes) -> None:
        """Starts it.

        Raises:
            Failed: the parameters do not fit.
        """
        try:
            values = json.loads(parameters).get("params") or {}
            self._started = self._definition.start(values)
        except (ValueError, RecordError) as error:
            raise Failed(str(error)) from error
        except Exception as error:
            log.error(traceback.format_exc())
            raise Failed(_told(error)) from error

    def process(self, frame: bytes) -> bytes:
        """Answers a frame.

        Raises:
            Failed: it is no frame.
        """
        started = self._running()
        try:
            return _ANSWERS[started.kind](started.call, Frame(frame))
        except FrameError as error:
            raise Failed(f"the frame is not valid: {error}") from error

    def look_back(self, frame: bytes) -> None:
        """Shows older records.

        Raises:
            Failed: it is no frame, or the module cannot rebuild its state.
        """
        look_back = self._running().look_back
        index = None
        try:
            for index, record in enumerate(Frame(frame).records()):
                if look_back is not None:
                    look_back(record)
        except FrameError as error:
            raise Failed(f"the frame is not valid: {error}") from error
        except MemoryError:
            raise
        except Exception as error:
            raise Failed(_told(error), index) from error

    def _running(self) -> Started:
        if self._started is None:
            raise Failed("the module was not started")
        return self._started


def _told(error: Exception) -> str:
    """What is said of a record that failed."""
    if isinstance(error, RecordError):
        return str(error)
    return f"{type(error).__name__}: {error}"


class _Failing(Failures):
    """Failed records. The first one of a frame that was not foreseen tells the log where it happened."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        super().__init__()
        self._told = False

    def of(self, index: int, error: Exception) -> None:
        """One more; called while the error is handled. Those that are not the record's own go on."""
        if isinstance(error, (FrameError, MemoryError)):
            raise error
        if not self._told and not isinstance(error, RecordError):
            self._told = True
            log.warning(f"record {index}: {traceback.format_exc()}")
        self.add(index, _told(error))


def _filter(keeps: Callable[[Record], object], frame: Frame) -> bytes:
    records = frame.records()
    failing = _Failing()
    marks = bytearray(len(records))
    for index, record in enumerate(records):
        try:
            kept = keeps(record)
            if kept is None:
                raise TypeError("a filter gives True or False, not None; is a `return` missing?")
            marks[index] = KEPT if kept else DROPPED
        except Exception as error:
            marks[index] = DROPPED
            failing.of(index, error)
    return answer.selection(marks, failing)


def _validate(reason: Callable[[Record], str | None], frame: Frame) -> bytes:
    records = frame.records()
    failing = _Failing()
    marks = bytearray(b"1") * len(records)
    for index, record in enumerate(records):
        try:
            why = reason(record)
            if why is not None:
                raise RecordError(why)
        except Exception as error:
            marks[index] = DROPPED
            failing.of(index, error)
    return answer.selection(marks, failing)


def _map(makes: Callable[[Record], Output | Record], frame: Frame) -> bytes:
    return _each(makes, frame, _one)


def _filter_map(makes: Callable[[Record], Output | Record | None], frame: Frame) -> bytes:
    return _each(makes, frame, _one_or_none)


def _flat_map(makes: Callable[[Record], Iterable[Output | Record]], frame: Frame) -> bytes:
    return _each(makes, frame, _many)


def _each(
    makes: Callable[[Record], Any], frame: Frame, write: Callable[[list[bytes], int, Record, Any], int]
) -> bytes:
    failing = _Failing()
    written: list[bytes] = []
    count = 0
    for index, record in enumerate(frame.records()):
        before = len(written)
        try:
            count += write(written, index, record, makes(record))
        except Exception as error:
            # A record fails as a whole, also when some of it was written.
            del written[before:]
            failing.of(index, error)
    return answer.records(written, count, failing)


def _one(written: list[bytes], index: int, record: Record, made: object) -> int:
    if isinstance(made, Record):
        body = made._written() if made._frame is record._frame else made.output()._written(record)
    elif isinstance(made, Output):
        body = made._written(record)
    else:
        raise TypeError(
            f"a module gives a Record or an Output, such as record.with_value(...), not {type(made).__name__}"
        )
    written += (varint.write(index), varint.write(len(body)), body)
    return 1


def _one_or_none(written: list[bytes], index: int, record: Record, made: object) -> int:
    return 0 if made is None else _one(written, index, record, made)


def _many(written: list[bytes], index: int, record: Record, made: Iterable[object]) -> int:
    return sum(_one(written, index, record, one) for one in made)


def _aggregate(folds: Callable[[bytes, Record], bytes], frame: Frame) -> bytes:
    failing = _Failing()
    written: list[bytes] = []
    count = 0
    accumulator = frame.accumulator
    for index, record in enumerate(frame.records()):
        try:
            folded = folds(accumulator, record)
            if not isinstance(folded, bytes):
                raise TypeError(f"an aggregate gives bytes, not {type(folded).__name__}")
            count += _one(written, index, record, record.with_value(folded))
            accumulator = folded
        except Exception as error:
            failing.of(index, error)
    return answer.records(written, count, failing, accumulator)


def _join(joins: Callable[[Record, Record], Output | Record | None], frame: Frame) -> bytes:
    records = frame.records()
    if len(records) % 2:
        raise FrameError("the number of records (a join takes pairs) is not valid (byte 4)")
    failing = _Failing()
    written: list[bytes] = []
    count = 0
    for index in range(0, len(records), 2):
        left, right = records[index], records[index + 1]
        try:
            count += _one_or_none(written, index, left, joins(left, right))
        except Exception as error:
            failing.of(index, error)
    return answer.records(written, count, failing)


_ANSWERS: Final[dict[str, Callable[[Callable[..., Any], Frame], bytes]]] = {
    "filter": _filter,
    "map": _map,
    "filter_map": _filter_map,
    "flat_map": _flat_map,
    "validate": _validate,
    "aggregate": _aggregate,
    "join": _join,
}

FRAME_KINDS: Final[dict[str, FrameKind]] = {"aggregate": FrameKind.AGGREGATE, "join": FrameKind.JOIN}
"""What the frames of a kind are, where they are not plain records."""
