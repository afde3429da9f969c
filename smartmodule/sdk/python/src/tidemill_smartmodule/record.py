"""A record that came in, and one that goes out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from . import varint
from .errors import FrameError, RecordError

if TYPE_CHECKING:
    from .frame import Frame

Header: TypeAlias = tuple[str, bytes | None]
"""A name and a value; names may repeat, and a value may be missing."""


class _Kept:
    """Stands for "as it was"."""


_KEPT: Final = _Kept()
_RAISE: Final[Any] = object()


class Record:
    """A record of the stream. It is read when it is first looked at, and cannot be changed.

    What a module gives back is this record, or an [`Output`][] made of it: `record.with_value(...)`.
    """

    __slots__ = (
        "_begin", "_data", "_end", "_frame", "_headers", "_headers_at", "_key", "_key_at", "_offset", "_timestamp",
        "_value", "_value_at",
    )  # fmt: skip

    _key: bytes | None
    _value: bytes | None
    # Both count from those of the frame.
    _timestamp: int
    _offset: int
    _headers: tuple[Header, ...]
    _key_at: int
    _value_at: int

    def __init__(self, frame: Frame, data: bytes, begin: int, end: int) -> None:
        """For the SDK; tests make records with [`tidemill_smartmodule.testing.record`][]."""
        self._frame = frame
        self._data = data
        self._begin = begin
        self._end = end
        self._headers_at = 0

    @property
    def key(self) -> bytes | None:
        """Its key; `None` is not the same as empty."""
        if not self._headers_at:
            self._decode()
        return self._key

    @property
    def value(self) -> bytes | None:
        """Its value; `None` (a tombstone) is not the same as empty."""
        if not self._headers_at:
            self._decode()
        return self._value

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970; -1 when the producer gave none."""
        if not self._headers_at:
            self._decode()
        frame = self._frame
        return frame.base_timestamp if frame.stamped else frame.base_timestamp + self._timestamp

    @property
    def offset(self) -> int | None:
        """Its offset in the partition; `None` on ingest, where it has none yet."""
        if not self._headers_at:
            self._decode()
        base = self._frame.base_offset
        return None if base < 0 else base + self._offset

    @property
    def headers(self) -> tuple[Header, ...]:
        """Its headers, in the order they were sent."""
        if not self._headers_at:
            self._decode()
        try:
            return self._headers
        except AttributeError:
            self._headers = self._decode_headers()
            return self._headers

    def header(self, name: str) -> bytes | None:
        """The value of the last header of that name; `None` when there is none, or it has no value."""
        for other, value in reversed(self.headers):
            if other == name:
                return value
        return None

    def text(self, default: str = _RAISE) -> str:
        """Its value as text.

        Args:
            default: what to give where there is no value, or it is not UTF-8.

        Raises:
            RecordError: there is no value, or it is not UTF-8, and no default.
        """
        if not self._headers_at:
            self._decode()
        return _text(self._value, "value", default)

    def key_text(self, default: str = _RAISE) -> str:
        """Its key as text, as [`text`][Record.text] does for the value."""
        return _text(self.key, "key", default)

    def json(self, default: Any = _RAISE) -> Any:
        """Its value, read as JSON.

        Args:
            default: what to give where the value is not JSON.

        Raises:
            RecordError: it is not JSON, and there is no default.
        """
        value = self.value
        try:
            if value is not None:
                return json.loads(value.decode())
        except ValueError as error:
            if default is _RAISE:
                raise RecordError(f"the value is not JSON: {error}") from None
        if default is _RAISE:
            raise RecordError("the record has no value")
        return default

    def output(self) -> Output:
        """This record, to be changed."""
        return _kept(self)

    def with_value(self, value: bytes | str | None) -> Output:
        """This record with another value; `None` makes a tombstone."""
        output = _kept(self)
        output._value = value.encode() if isinstance(value, str) else value
        return output

    def with_json(self, value: Any) -> Output:
        """This record with another value, written as JSON."""
        return self.with_value(_dumps(value))

    def _decode(self) -> None:
        """Reads all but the headers. Short numbers, as most are, are read here: a call costs as much as the rest."""
        data, at, end = self._data, self._begin, self._end
        try:
            byte = data[at + 1]
            if byte < 0x80:
                self._timestamp, at = (byte >> 1) ^ -(byte & 1), at + 2
            else:
                self._timestamp, at = varint.read(data, at + 1, end, "the timestamp of a record")
            byte = data[at]
            if byte < 0x80:
                self._offset, at = (byte >> 1) ^ -(byte & 1), at + 1
            else:
                self._offset, at = varint.read(data, at, end, "the offset of a record")
            self._key_at = at
            byte = data[at]
            if byte == 1:
                self._key, at = None, at + 1
            elif byte < 0x80 and not byte & 1:
                begin = at + 1
                at = begin + (byte >> 1)
                self._key = data[begin:at]
            else:
                self._key, at = varint.nullable(data, at, end, "the key of a record")
            self._value_at = at
            byte = data[at]
            if byte >= 0x80 and not byte & 1 and data[at + 1] < 0x80:
                begin = at + 2
                at = begin + ((byte & 0x7F | data[at + 1] << 7) >> 1)
                self._value = data[begin:at]
            elif byte < 0x80 and not byte & 1:
                begin = at + 1
                at = begin + (byte >> 1)
                self._value = data[begin:at]
            else:
                self._value, at = varint.nullable(data, at, end, "the value of a record")
        except IndexError:
            raise FrameError(f"the bytes end within a record (byte {self._begin})") from None
        if at >= end:
            raise FrameError(f"the bytes end within a record (byte {self._begin})")
        self._headers_at = at

    def _decode_headers(self) -> tuple[Header, ...]:
        data, at, end = self._data, self._headers_at, self._end
        if data[at] == 0 and at + 1 == end:
            return ()
        count, at = varint.length(data, at, end, "the number of headers")
        headers = []
        for _ in range(count):
            size, at = varint.length(data, at, end, "the name of a header")
            try:
                name = data[at : at + size].decode()
            except UnicodeDecodeError:
                raise FrameError(f"the name of a header (UTF-8) is not valid (byte {at})") from None
            value, at = varint.nullable(data, at + size, end, "the value of a header")
            headers.append((name, value))
        if at != end:
            raise FrameError(f"there are bytes after the end (byte {at})")
        return tuple(headers)

    def _written(self) -> bytes:
        """As an answer has it: without its length. Its timestamp counts from the frame's."""
        if self._frame.stamped:
            if not self._headers_at:
                self._decode()
            return b"\0\0\0" + self._data[self._key_at : self._end]
        return self._data[self._begin : self._end]

    def _written_with(self, value: bytes | None) -> bytes:
        """As it is written with another value: all the rest is copied."""
        if not self._headers_at:
            self._decode()
        data = self._data
        if self._frame.stamped:
            head = b"\0\0\0" + data[self._key_at : self._value_at]
        else:
            head = data[self._begin : self._value_at]
        rest = data[self._headers_at : self._end]
        if value is None:
            return head + varint.NONE + rest
        return b"".join((head, varint.write(len(value)), value, rest))

    def __eq__(self, other: object) -> bool:
        """Whether key, value, headers, timestamp and offset are the same."""
        if not isinstance(other, Record):
            return NotImplemented
        return _parts(self) == _parts(other)

    def __hash__(self) -> int:
        return hash(_parts(self))

    def __repr__(self) -> str:
        """For people."""
        return (
            f"Record(key={self.key!r}, value={self.value!r}, headers={self.headers!r}, timestamp={self.timestamp}, "
            f"offset={self.offset})"
        )


def _parts(record: Record) -> tuple[object, ...]:
    return record.key, record.value, record.headers, record.timestamp, record.offset


class Output:
    """A record to write: a changed one (`record.with_value(...)`), or a new one (`Output(value)`).

    Each method gives a changed copy, so they can be chained. What is kept of the record that came in is copied as it
    lies there.
    """

    __slots__ = ("_headers", "_key", "_record", "_timestamp", "_value")

    _key: bytes | _Kept | None
    _value: bytes | _Kept | None
    _headers: tuple[Header, ...] | _Kept
    _timestamp: int | _Kept

    def __init__(
        self,
        value: bytes | str | None = None,
        *,
        key: bytes | str | None = None,
        headers: Iterable[tuple[str, bytes | str | None]] = (),
        timestamp: int | None = None,
    ) -> None:
        """A new record.

        Args:
            value: text is written as UTF-8; `None` makes a tombstone.
            key: text is written as UTF-8.
            headers: names and values.
            timestamp: milliseconds since 1970; that of the record it comes of when not given.
        """
        self._record: Record | None = None
        self._key = _bytes(key)
        self._value = _bytes(value)
        self._headers = tuple((name, _bytes(content)) for name, content in headers)
        self._timestamp = _KEPT if timestamp is None else timestamp

    @property
    def key(self) -> bytes | None:
        """Its key."""
        return self._of("key") if isinstance(self._key, _Kept) else self._key

    @property
    def value(self) -> bytes | None:
        """Its value."""
        return self._of("value") if isinstance(self._value, _Kept) else self._value

    @property
    def headers(self) -> tuple[Header, ...]:
        """Its headers."""
        return self._of("headers") or () if isinstance(self._headers, _Kept) else self._headers

    @property
    def timestamp(self) -> int | None:
        """Milliseconds since 1970; `None` for that of the record it comes of."""
        return self._of("timestamp") if isinstance(self._timestamp, _Kept) else self._timestamp

    def with_value(self, value: bytes | str | None) -> Output:
        """With this value; `None` makes a tombstone."""
        changed = self._copy()
        changed._value = _bytes(value)
        return changed

    def with_json(self, value: Any) -> Output:
        """With this value, written as JSON."""
        return self.with_value(_dumps(value))

    def with_key(self, key: bytes | str | None) -> Output:
        """With this key."""
        changed = self._copy()
        changed._key = _bytes(key)
        return changed

    def with_timestamp(self, timestamp: int) -> Output:
        """At this time, in milliseconds since 1970."""
        changed = self._copy()
        changed._timestamp = timestamp
        return changed

    def with_header(self, name: str, value: bytes | str | None) -> Output:
        """With one header more."""
        changed = self._copy()
        changed._headers = (*self.headers, (name, _bytes(value)))
        return changed

    def without_header(self, name: str) -> Output:
        """Without the headers of that name."""
        changed = self._copy()
        changed._headers = tuple(header for header in self.headers if header[0] != name)
        return changed

    def _of(self, field: str) -> Any:
        return None if self._record is None else getattr(self._record, field)

    def _copy(self) -> Output:
        copy = Output.__new__(Output)
        for field in Output.__slots__:
            setattr(copy, field, getattr(self, field))
        return copy

    def _written(self, source: Record) -> bytes:
        """As an answer has it: without its length. `source` is the record that it comes of."""
        own = self._record
        if own is not None and self._key is self._headers is self._timestamp is _KEPT and own._frame is source._frame:
            return own._written() if isinstance(self._value, _Kept) else own._written_with(self._value)
        timestamp = self.timestamp
        if timestamp is None:
            timestamp = source.timestamp
        parts = [
            b"\0",
            varint.write(timestamp - source._frame.base_timestamp),
            b"\0",
            varint.write_nullable(self.key),
            varint.write_nullable(self.value),
            varint.write(len(self.headers)),
        ]
        for name, value in self.headers:
            encoded = name.encode()
            parts += (varint.write(len(encoded)), encoded, varint.write_nullable(value))
        return b"".join(parts)

    def __repr__(self) -> str:
        """For people."""
        return (
            f"Output(key={self.key!r}, value={self.value!r}, headers={self.headers!r}, timestamp={self.timestamp})"
        )


def _kept(record: Record) -> Output:
    """The record as it was, to be changed."""
    output = Output.__new__(Output)
    output._record = record
    output._key = output._value = output._headers = output._timestamp = _KEPT
    return output


def _bytes(value: bytes | str | None) -> bytes | None:
    if isinstance(value, str):
        return value.encode()
    return value


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(value: bytes | None, what: str, default: str) -> str:
    if value is not None:
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            if default is _RAISE:
                raise RecordError(f"the {what} is not text (UTF-8): {error.reason} at byte {error.start}") from None
    if default is _RAISE:
        raise RecordError(f"the record has no {what}")
    return default
