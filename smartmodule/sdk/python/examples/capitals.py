"""Writes values in capitals."""

from tidemill_smartmodule import Output, Record, smartmodule


@smartmodule.map
def capitals(record: Record) -> Output:
    """Writes values in capitals, and says so in a header."""
    return record.with_value(record.text().upper()).with_header("written", "in capitals")
