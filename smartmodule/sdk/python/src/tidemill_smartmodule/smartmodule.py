"""The decorators that make a SmartModule of a function or a class, one for each kind.

A function is enough where a record is worked on by itself. A class has state: its `__init__` takes the parameters, its
method of the kind's name the records, and `look_back`, where it has one, older records to rebuild the state from.

What is decorated stays what it was: a unit test calls it as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias, TypeVar

from .definition import define, remember
from .record import Output, Record

Made: TypeAlias = Output | Record
"""What a module gives: a record, changed or not."""


class _Filters(Protocol):
    def filter(self, record: Record, /) -> bool: ...


class _Maps(Protocol):
    def map(self, record: Record, /) -> Made: ...


class _FilterMaps(Protocol):
    def filter_map(self, record: Record, /) -> Made | None: ...


class _FlatMaps(Protocol):
    def flat_map(self, record: Record, /) -> Iterable[Made]: ...


class _Validates(Protocol):
    def validate(self, record: Record, /) -> str | None: ...


class _Aggregates(Protocol):
    def aggregate(self, accumulator: bytes, record: Record, /) -> bytes: ...


class _Joins(Protocol):
    def join(self, left: Record, right: Record, /) -> Made | None: ...


FilterT = TypeVar("FilterT", bound=Callable[[Record], bool] | Callable[[Record, Any], bool] | type[_Filters])
MapT = TypeVar("MapT", bound=Callable[[Record], Made] | Callable[[Record, Any], Made] | type[_Maps])
FilterMapT = TypeVar(
    "FilterMapT", bound=Callable[[Record], Made | None] | Callable[[Record, Any], Made | None] | type[_FilterMaps]
)
FlatMapT = TypeVar(
    "FlatMapT",
    bound=Callable[[Record], Iterable[Made]] | Callable[[Record, Any], Iterable[Made]] | type[_FlatMaps],
)
ValidateT = TypeVar(
    "ValidateT", bound=Callable[[Record], str | None] | Callable[[Record, Any], str | None] | type[_Validates]
)
AggregateT = TypeVar(
    "AggregateT",
    bound=Callable[[bytes, Record], bytes] | Callable[[bytes, Record, Any], bytes] | type[_Aggregates],
)
JoinT = TypeVar(
    "JoinT",
    bound=Callable[[Record, Record], Made | None] | Callable[[Record, Record, Any], Made | None] | type[_Joins],
)
LookBackT = TypeVar("LookBackT", bound=Callable[[Record], None] | Callable[[Record, Any], None])


def filter(module: FilterT) -> FilterT:
    """Keeps the records for which it is true."""
    return define("filter", module)


def map(module: MapT) -> MapT:
    """Makes one record of each."""
    return define("map", module)


def filter_map(module: FilterMapT) -> FilterMapT:
    """Makes one record, or none, of each."""
    return define("filter_map", module)


def flat_map(module: FlatMapT) -> FlatMapT:
    """Makes any number of records of each; it may be a generator."""
    return define("flat_map", module)


def validate(module: ValidateT) -> ValidateT:
    """Gives the reason why a record is bad, which its producer is told, and `None` for a good one."""
    return define("validate", module)


def aggregate(module: AggregateT) -> AggregateT:
    """Gives the accumulator with the record in it. The accumulator is empty at the beginning."""
    return define("aggregate", module)


def join(module: JoinT) -> JoinT:
    """Makes one record, or none, of a left and a right one."""
    return define("join", module)


def look_back(function: LookBackT) -> LookBackT:
    """Sees older records, oldest first, before the others: beside a module that is a function."""
    return remember(function)
