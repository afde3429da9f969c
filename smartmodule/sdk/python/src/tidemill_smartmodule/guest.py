"""What the host calls in the sandbox. Imported there alone: it needs what `componentize-py` puts beside it."""

from __future__ import annotations

import gc
import io
import sys
import types
from collections.abc import Callable
from typing import TypeVar

from componentize_py_types import Err
from wit_world.imports import host

from . import log
from .definition import of
from .run import Exports, Failed

T = TypeVar("T")


def _log(level: log.Level, text: str) -> None:
    host.log(level, text)


def export(module: types.ModuleType, name: str, version: str, description: str) -> type:
    """The class that the component exports, of the SmartModule in a Python module.

    It is called when the component is built, and what is in memory then is what every instance starts with.
    """
    exports = Exports(of(module), name, version, description)
    described = exports.describe()
    # What is here now stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()

    class Guest:
        """The functions of the contract."""

        def describe(self) -> bytes:
            """What the module is."""
            return described

        def init(self, parameters: bytes) -> None:
            """Starts it."""
            _wake()
            _reply(exports.init, parameters)

        def process(self, frame: bytes) -> bytes:
            """Answers a frame."""
            return _reply(exports.process, frame)

        def look_back(self, frame: bytes) -> None:
            """Shows older records."""
            _reply(exports.look_back, frame)

    return Guest


def _reply(call: Callable[[bytes], T], argument: bytes) -> T:
    try:
        return call(argument)
    except Failed as failed:
        raise Err(failed.written()) from None


def _wake() -> None:
    """What was fixed when the component was built is loosened."""
    log.redirect(_log)
    log.take_over_logging()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    random = sys.modules.get("random")
    if random is not None:
        random.seed()
