"""Doubles numbers."""

from tidemill_smartmodule import Output, Record, smartmodule


@smartmodule.filter_map
def doubled(record: Record) -> Output | None:
    """Doubles numbers; leaves out what is none."""
    try:
        number = int(record.text(default=""))
    except ValueError:
        return None
    return record.with_value(str(number * 2))
