"""Refuses values that are not numbers from 0 to 100."""

from tidemill_smartmodule import Record, smartmodule


@smartmodule.validate
def percentage(record: Record) -> str | None:
    """Refuses values that are not numbers from 0 to 100."""
    text = record.text()
    try:
        number = float(text)
    except ValueError:
        return f"`{text}` is not a number"
    return None if 0 <= number <= 100 else f"{number} is not from 0 to 100"
