"""SmartModules in Python: small programs that Tidemill runs on the records of a stream, in a sandbox.

    from tidemill_smartmodule import Record, smartmodule

    @smartmodule.filter
    def errors(record: Record) -> bool:
        \"\"\"Keeps records that tell of an error.\"\"\"
        return "error" in record.text(default="")

`python -m tidemill_smartmodule build` makes a WebAssembly file of it. Its unit tests need none: see
`tidemill_smartmodule.testing`.
"""

from . import log, smartmodule
from .errors import DefinitionError, FrameError, ParamError, RecordError
from .record import Output, Record
from .version import VERSION as __version__

__all__ = [
    "DefinitionError",
    "FrameError",
    "Output",
    "ParamError",
    "Record",
    "RecordError",
    "__version__",
    "log",
    "smartmodule",
]
