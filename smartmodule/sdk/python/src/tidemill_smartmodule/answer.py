"""What a module answers: which records to keep, or other records, and which failed."""

from __future__ import annotations

import struct
from typing import Final

from . import varint
from .frame import VERSION

_HEADER: Final = struct.Struct("<BBBBIII")
_SELECTION: Final = 0
_RECORDS: Final = 1
_ACCUMULATOR: Final = 1
_NO_INDEX: Final = 0xFFFF_FFFF
KEPT: Final = ord("1")
DROPPED: Final = ord("0")


class Failures:
    """The records that failed, in order."""

    __slots__ = ("_parts", "count")

    def __init__(self) -> None:
        """None yet."""
        self.count = 0
        self._parts: list[bytes] = []

    def add(self, index: int, why: str) -> None:
        """One more, of a higher number than those before."""
        self.count += 1
        text = why.encode(errors="replace")
        self._parts += (varint.write(index), varint.write(len(text)), text)

    def written(self) -> bytes:
        """As an answer has them."""
        return b"".join(self._parts)


def selection(marks: bytearray, failures: Failures) -> bytes:
    """The answer that keeps some records.

    Args:
        marks: one a record: [`KEPT`][] or [`DROPPED`][].
        failures: which failed.
    """
    count = len(marks)
    head = _HEADER.pack(VERSION, _SELECTION, 0, 0, count, failures.count, 0)
    if not count:
        return head
    # The digits of a number in base two: the interpreter packs the bits.
    bits = int(marks[::-1], 2).to_bytes((count + 7) // 8, "little")
    return head + bits + failures.written()


def records(written: list[bytes], count: int, failures: Failures, accumulator: bytes | None = None) -> bytes:
    """The answer that has other records.

    Args:
        written: their bytes, in any number of pieces.
        count: how many there are.
        failures: which failed.
        accumulator: what an aggregate came to.
    """
    flags = 0 if accumulator is None else _ACCUMULATOR
    head = _HEADER.pack(VERSION, _RECORDS, flags, 0, count, failures.count, len(accumulator or b""))
    return b"".join((head, *written, failures.written(), accumulator or b""))


def failure(message: str, index: int | None = None) -> bytes:
    """A failure of a whole frame.

    Args:
        message: why.
        index: the number of the record at which it happened.
    """
    return struct.pack("<I", _NO_INDEX if index is None else index) + message.encode(errors="replace")
