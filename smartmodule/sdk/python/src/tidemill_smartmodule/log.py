"""Lines for the module's log. What is printed goes there too.

In the sandbox they go to the server; in a unit test the [`Runner`][tidemill_smartmodule.testing.Runner] keeps them,
and without one they go to standard error. The `logging` module of the standard library ends here as well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import IntEnum


class Level(IntEnum):
    """How grave a line is."""

    DEBUG = 0
    INFO = 1
    WARNING = 2
    ERROR = 3


def _to_stderr(level: Level, text: str) -> None:
    print(f"{level.name.lower()}: {text}", file=sys.stderr)


_sink: Callable[[Level, str], None] = _to_stderr


def redirect(sink: Callable[[Level, str], None]) -> Callable[[Level, str], None]:
    """Sends lines elsewhere; gives where they went before."""
    global _sink
    before, _sink = _sink, sink
    return before


def debug(text: str) -> None:
    """Something that helps to find a fault."""
    _sink(Level.DEBUG, text)


def info(text: str) -> None:
    """Something worth knowing."""
    _sink(Level.INFO, text)


def warning(text: str) -> None:
    """Something that should not be."""
    _sink(Level.WARNING, text)


def error(text: str) -> None:
    """Something that must be seen to."""
    _sink(Level.ERROR, text)


def take_over_logging() -> None:
    """Lets the standard library's `logging` end here. Does nothing where no one imported it."""
    logging = sys.modules.get("logging")
    if logging is None:
        return

    class Handler(logging.Handler):  # type: ignore[name-defined, misc]
        """Hands lines on."""

        def emit(self, record: object) -> None:
            """One line."""
            level = min(max(getattr(record, "levelno", 20) // 10 - 1, Level.DEBUG), Level.ERROR)
            _sink(Level(level), self.format(record))

    if not logging.root.handlers:
        logging.root.addHandler(Handler())
