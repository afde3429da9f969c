"""Joins an order with its customer."""

from tidemill_smartmodule import Output, Record, smartmodule


@smartmodule.join
def side_by_side(left: Record, right: Record) -> Output | None:
    """Puts the left value before the right one, where the keys agree."""
    if left.key != right.key:
        return None
    return left.with_value(f"{left.text()} {right.text()}")
