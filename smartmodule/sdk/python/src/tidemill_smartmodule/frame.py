"""What the host hands to a module: a header, an accumulator, and records as they lie in a stored batch."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

from . import varint
from .errors import FrameError
from .record import Record

VERSION: Final = 1
"""The version of the contract that this SDK speaks."""

_HEADER: Final = struct.Struct("<BBBBIqqII")
_STAMPED: Final = 1


class FrameKind(IntEnum):
    """What a frame's records are for."""

    RECORDS = 0
    LOOK_BACK = 1
    AGGREGATE = 2
    JOIN = 3


class Frame:
    """A frame. Its records are found at once, and read when they are looked at."""

    __slots__ = ("_at", "_data", "accumulator", "base_offset", "base_timestamp", "count", "kind", "stamped")

    def __init__(self, data: bytes) -> None:
        """Reads the header.

        Raises:
            FrameError: it is none.
        """
        if len(data) < 4:
            raise FrameError("the bytes end within the header of a frame (byte 0)")
        if data[0] != VERSION:
            raise FrameError(f"version {data[0]} of the frame is not spoken here; version {VERSION} is")
        if len(data) < _HEADER.size:
            raise FrameError("the bytes end within the header of a frame (byte 0)")
        _, kind, flags, zero, count, base_offset, base_timestamp, accumulator, zeros = _HEADER.unpack_from(data)
        if kind > FrameKind.JOIN:
            raise FrameError("the kind of a frame is not valid (byte 1)")
        if flags & ~_STAMPED or zero or zeros:
            raise FrameError("a flag of a frame is not valid (byte 2)")
        self._data = data
        self._at = _HEADER.size + accumulator
        if self._at > len(data):
            raise FrameError(f"the bytes end within the accumulator (byte {_HEADER.size})")
        self.kind = FrameKind(kind)
        self.stamped = bool(flags)
        self.count: int = count
        self.base_offset: int = base_offset
        self.base_timestamp: int = base_timestamp
        self.accumulator = data[_HEADER.size : self._at]

    def records(self) -> list[Record]:
        """All of its records.

        Raises:
            FrameError: they do not lie one after the other to the end. What is wrong within one shows when it is read.
        """
        data, at, end = self._data, self._at, len(self._data)
        records: list[Record] = []
        append = records.append
        try:
            for _ in range(self.count):
                # A length of one byte or two, as most have; it is even, as the odd ones are negative.
                byte = data[at]
                if byte >= 0x80:
                    second = data[at + 1]
                    begin = at + 2
                    if second < 0x80 and not byte & 1:
                        at = begin + ((byte & 0x7F | second << 7) >> 1)
                    else:
                        length, begin = varint.length(data, at, end, "the length of a record")
                        at = begin + length
                else:
                    begin = at + 1
                    at = begin + (byte >> 1)
                    if byte & 1:
                        raise FrameError(f"the length of a record is not valid (byte {begin - 1})")
                append(Record(self, data, begin, at))
        except IndexError:
            raise FrameError(f"the bytes end within the length of a record (byte {at})") from None
        if at > end:
            raise FrameError(f"the bytes end within a record (byte {end})")
        if at < end:
            raise FrameError(f"there are bytes after the end (byte {at})")
        return records


def write(
    kind: FrameKind,
    records: list[bytes],
    *,
    base_offset: int = 0,
    base_timestamp: int = 0,
    stamped: bool = False,
    accumulator: bytes = b"",
) -> bytes:
    """The bytes of a frame; `records` are as [`record`][] writes them."""
    flags = _STAMPED if stamped else 0
    head = _HEADER.pack(VERSION, kind, flags, 0, len(records), base_offset, base_timestamp, len(accumulator), 0)
    return b"".join((head, accumulator, *records))


def record(
    timestamp: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: tuple[tuple[str, bytes | None], ...] = (),
) -> bytes:
    """The bytes of a record; timestamp and offset count from those of the frame."""
    parts = [b"\0", varint.write(timestamp), varint.write(offset)]
    parts += (varint.write_nullable(key), varint.write_nullable(value), varint.write(len(headers)))
    for name, content in headers:
        parts += (varint.write_nullable(name.encode()), varint.write_nullable(content))
    body = b"".join(parts)
    return varint.write(len(body)) + body
