"""Makes a component of a project: CPython, the module and what it imports, as they lie in memory once imported."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .definition import of
from .errors import DefinitionError
from .project import Project, ProjectError

_ENTRY = "tidemill_smartmodule_entry"
_WORLD = "smartmodule"
_TOOL = "componentize-py"


def build(project: Project, output: Path) -> None:
    """Builds a project.

    Raises:
        ProjectError: it has no SmartModule, or it cannot be made a component.
    """
    tool = _tool()
    check(project)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tidemill-") as scratch:
        entry = Path(scratch) / f"{_ENTRY}.py"
        entry.write_text(_entry(project), encoding="utf-8")
        made = Path(scratch) / "module.wasm"
        here = Path(__file__).parent
        command = [str(tool), "--quiet", "--wit-path", str(here / "wit"), "--world", _WORLD, "componentize", _ENTRY]
        for path in (project.sources.resolve(), here.parent, Path(scratch)):
            command += ["--python-path", str(path)]
        command += ["--output", str(made)]
        done = subprocess.run(
            command, cwd=scratch, env=_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip()).replace(scratch, "")
            raise ProjectError(f"{_TOOL} failed: {said}")
        shutil.move(made, output)


def check(project: Project) -> None:
    """Imports the module here, where what is wrong with it is told at once.

    Raises:
        ProjectError: it cannot be imported, or holds no SmartModule.
    """
    sys.path.insert(0, str(project.sources.resolve()))
    try:
        of(importlib.import_module(project.module))
    except DefinitionError as error:
        raise ProjectError(str(error)) from error
    except ImportError as error:
        raise ProjectError(f"{project.module} cannot be imported: {error}") from error
    finally:
        sys.path.pop(0)


def _entry(project: Project) -> str:
    """The Python module that the component starts from."""
    about = f"{project.name!r}, {project.version!r}, {project.description!r}"
    return (
        f"import {project.module}\n"
        "from tidemill_smartmodule import guest\n"
        f"Guest = guest.export(__import__('sys').modules[{project.module!r}], {about})\n"
    )


def _environment() -> dict[str, str]:
    """The tool looks for what the module imports in the virtual environment that is named here."""
    environment = dict(os.environ)
    if sys.prefix != sys.base_prefix:
        environment["VIRTUAL_ENV"] = sys.prefix
    return environment


def _tool() -> Path:
    beside = Path(sys.executable).parent / (_TOOL + (".exe" if os.name == "nt" else ""))
    found = beside if beside.is_file() else shutil.which(_TOOL)
    if found is None:
        raise ProjectError(
            f"{_TOOL} is not installed for {sys.executable}: pip install 'tidemill-smartmodule[build]' in the "
            "environment of the project"
        )
    return Path(found)
