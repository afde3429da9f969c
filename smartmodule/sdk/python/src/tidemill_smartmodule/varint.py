"""Zigzag varints, as Kafka's records have them.

An interpreter is slow at loops over bytes, so short numbers, which nearly all are, come from a table.
"""

from typing import Final

from .errors import FrameError

_SHORT: Final = 1 << 12


def _encode(value: int) -> bytes:
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest >= 0x80:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_TABLE: Final = tuple(_encode(value) for value in range(_SHORT))
NONE: Final = _encode(-1)
"""The length that stands for nothing."""


def write(value: int) -> bytes:
    """The bytes of a number of 64 bits."""
    if 0 <= value < _SHORT:
        return _TABLE[value]
    return _encode(value)


def read(data: bytes, at: int, end: int, what: str) -> tuple[int, int]:
    """The number at a place, and where it ends.

    Raises:
        FrameError: the bytes end within it, or it is longer than ten bytes.
    """
    begin = at
    value = shift = 0
    while at < end:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                break
            return (value >> 1) ^ -(value & 1), at
        shift += 7
        if shift == 70:
            break
    else:
        raise FrameError(f"the bytes end within {what} (byte {begin})")
    raise FrameError(f"{what} is not valid (byte {begin})")


def length(data: bytes, at: int, end: int, what: str) -> tuple[int, int]:
    """A length at a place, and where it ends. What it is the length of ends at `end` at the latest.

    Raises:
        FrameError: it is negative, or reaches too far.
    """
    begin = at
    value, at = read(data, at, end, what)
    if value < 0:
        raise FrameError(f"{what} is not valid (byte {begin})")
    if at + value > end:
        raise FrameError(f"the bytes end within {what} (byte {begin})")
    return value, at


def nullable(data: bytes, at: int, end: int, what: str) -> tuple[bytes | None, int]:
    """Bytes that may be missing, and where they end.

    Raises:
        FrameError: they end too late.
    """
    if at < end and data[at] == 1:
        return None, at + 1
    size, at = length(data, at, end, what)
    return data[at : at + size], at + size


def write_nullable(data: bytes | None) -> bytes:
    """Bytes that may be missing, with their length before them."""
    if data is None:
        return NONE
    return write(len(data)) + data
