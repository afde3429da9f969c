{% if kind == "filter" -%}
"""Keeps records whose value contains a text."""

from dataclasses import dataclass
from typing import Annotated

from tidemill_smartmodule import Record, smartmodule


@dataclass
class Options:
    """What to keep."""

    text: Annotated[str, "What to look for"] = "error"

    def __post_init__(self) -> None:
        # Once for all records: bytes are searched as they are, without making text of them.
        self.wanted = self.text.encode()


@smartmodule.filter
def contains(record: Record, options: Options) -> bool:
    """Keeps records whose value contains a text."""
    return options.wanted in (record.value or b"")
{%- elsif kind == "map" -%}
"""Writes values in capitals."""

from tidemill_smartmodule import Output, Record, smartmodule


@smartmodule.map
def capitals(record: Record) -> Output:
    """Writes values in capitals."""
    return record.with_value(record.text().upper())
{%- elsif kind == "filter_map" -%}
"""Doubles numbers, and leaves out what is none."""

from tidemill_smartmodule import Output, Record, smartmodule


@smartmodule.filter_map
def doubled(record: Record) -> Output | None:
    """Doubles numbers, and leaves out what is none."""
    try:
        number = int(record.text(default=""))
    except ValueError:
        return None
    return record.with_value(str(number * 2))
{%- elsif kind == "flat_map" -%}
"""Makes a record of each word."""

from collections.abc import Iterator

from tidemill_smartmodule import Output, Record, smartmodule


@smartmodule.flat_map
def words(record: Record) -> Iterator[Output]:
    """Makes a record of each word."""
    for word in record.text().split():
        yield record.with_value(word)
{%- elsif kind == "validate" -%}
"""Refuses values that are not numbers from 0 to 100."""

from tidemill_smartmodule import Record, smartmodule


@smartmodule.validate
def percentage(record: Record) -> str | None:
    """Refuses values that are not numbers from 0 to 100."""
    text = record.text().strip()
    try:
        number = int(text)
    except ValueError:
        return f"`{text}` is not a whole number"
    return None if 0 <= number <= 100 else f"{number} is not from 0 to 100"
{%- elsif kind == "aggregate" -%}
"""Adds up numbers."""

from tidemill_smartmodule import Record, smartmodule


@smartmodule.aggregate
def total(accumulator: bytes, record: Record) -> bytes:
    """Adds up numbers."""
    return str(int(accumulator or b"0") + int(record.text())).encode()
{%- elsif kind == "join" -%}
"""Puts the left value before the right one, where the keys agree."""

from tidemill_smartmodule import Output, Record, smartmodule


@smartmodule.join
def side_by_side(left: Record, right: Record) -> Output | None:
    """Puts the left value before the right one, where the keys agree."""
    if left.key != right.key:
        return None
    return left.with_value(f"{left.text()} {right.text()}")
{%- endif %}
