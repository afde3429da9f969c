"""Keeps records whose value contains a text."""

from dataclasses import dataclass
from typing import Annotated

from tidemill_smartmodule import Record, smartmodule


@dataclass
class Options:
    """What to keep."""

    text: Annotated[str, "What to look for"] = "error"
    invert: Annotated[bool, "Keep what does not have it"] = False

    def __post_init__(self) -> None:
        # Once for all records: bytes are searched as they are, without making text of them.
        self.wanted = self.text.encode()


@smartmodule.filter
def contains(record: Record, options: Options) -> bool:
    """Keeps records whose value contains a text."""
    return (options.wanted in (record.value or b"")) != options.invert
