"""Adds up numbers."""

from tidemill_smartmodule import Record, smartmodule


@smartmodule.aggregate
def total(accumulator: bytes, record: Record) -> bytes:
    """Adds up numbers."""
    return str(int(accumulator or b"0") + int(record.text())).encode()
