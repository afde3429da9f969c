"""`python -m tidemill_smartmodule build`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .build import build
from .project import ProjectError, find


def main(arguments: list[str] | None = None) -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tidemill_smartmodule", description="SmartModules in Python.")
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="make a WebAssembly component of a project")
    building.add_argument("project", nargs="?", type=Path, default=Path(), help="its directory; here if not given")
    building.add_argument("--module", help="the Python module that holds the SmartModule")
    building.add_argument("-o", "--output", type=Path, help="the file to write; dist/NAME.wasm if not given")
    options = parser.parse_args(arguments)
    try:
        project = find(options.project, options.module)
        output = options.output or project.output
        build(project, output)
    except ProjectError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
