"""A project: a directory with a `pyproject.toml`, and the Python file that holds its SmartModule."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ProjectError(Exception):
    """A project that cannot be built: the message says what to change in it."""


@dataclass(frozen=True)
class Project:
    """What there is to build."""

    root: Path
    """The directory of `pyproject.toml`."""
    sources: Path
    """What Python imports from: `src` where there is one, else the root."""
    module: str
    """The name under which Python imports the module."""
    name: str
    """The project's name."""
    version: str
    """The project's version."""
    description: str
    """What the project is for; shown where the module has no docstring."""

    @property
    def output(self) -> Path:
        """Where the component goes when nothing else is said."""
        return self.root / "dist" / f"{self.name}.wasm"


def find(root: Path, module: str | None = None) -> Project:
    """The project in a directory.

    Args:
        root: the directory.
        module: the Python module that holds the SmartModule; else `module` in `[tool.tidemill]`, else the project's
            name, else the only one there is.

    Raises:
        ProjectError: there is none, or it says too little.
    """
    path = root / "pyproject.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(f"there is no {path}: name the directory of a project") from None
    except ValueError as error:
        raise ProjectError(f"{path} cannot be read: {error}") from None
    about: dict[str, Any] = table.get("project", {})
    name = about.get("name")
    if not isinstance(name, str) or not name:
        raise ProjectError(f"{path} has no `name` in [project]")
    sources = root / "src" if (root / "src").is_dir() else root
    wanted = module or table.get("tool", {}).get("tidemill", {}).get("module")
    return Project(
        root=root,
        sources=sources,
        module=wanted or _only_module(sources, name),
        name=name,
        version=str(about.get("version", "")),
        description=str(about.get("description", "")),
    )


def _only_module(sources: Path, name: str) -> str:
    found = sorted(path.stem for path in sources.glob("*.py"))
    found += sorted(path.parent.name for path in sources.glob("*/__init__.py"))
    own = name.replace("-", "_")
    if own in found:
        return own
    if len(found) == 1:
        return found[0]
    told = "holds no Python module" if not found else f"holds several Python modules ({', '.join(found)})"
    raise ProjectError(f"{sources} {told}: say which one it is, as `module` in [tool.tidemill] of pyproject.toml")
