"""Makes a record of each word."""

from collections.abc import Iterator

from tidemill_smartmodule import Output, Record, smartmodule


@smartmodule.flat_map
def words(record: Record) -> Iterator[Output]:
    """Makes a record of each word."""
    for word in record.text().split():
        yield record.with_value(word)
