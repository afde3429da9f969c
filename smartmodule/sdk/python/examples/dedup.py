"""Leaves out values that came before: a module with state, which it rebuilds by looking back."""

from tidemill_smartmodule import Record, log, smartmodule


@smartmodule.filter
class Dedup:
    """Leaves out values that came before."""

    def __init__(self) -> None:
        self.seen: set[bytes | None] = set()

    def filter(self, record: Record) -> bool:
        """Whether its value is new."""
        if record.value in self.seen:
            log.debug(f"seen before: {record.value!r}")
            return False
        self.seen.add(record.value)
        return True

    def look_back(self, record: Record) -> None:
        """Remembers an older value."""
        self.seen.add(record.value)
