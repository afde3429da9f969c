"""How a project is found, and what is told of one that cannot be built."""

from pathlib import Path

import pytest

from tidemill_smartmodule.build import check
from tidemill_smartmodule.project import ProjectError, find

PYPROJECT = '[project]\nname = "my-filter"\nversion = "1.0.0"\ndescription = "Keeps some."\n'
MODULE = "from tidemill_smartmodule import smartmodule\n\n@smartmodule.filter\ndef keeps(record):\n    return True\n"


def make(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_the_module_of_the_project_s_name_is_taken(tmp_path: Path) -> None:
    make(tmp_path, {"pyproject.toml": PYPROJECT, "src/my_filter.py": MODULE, "src/other.py": ""})
    project = find(tmp_path)
    assert (project.module, project.sources) == ("my_filter", tmp_path / "src")
    assert project.output == tmp_path / "dist/my-filter.wasm"
    check(project)


def test_the_only_module_is_taken(tmp_path: Path) -> None:
    make(tmp_path, {"pyproject.toml": PYPROJECT, "only/__init__.py": MODULE})
    assert find(tmp_path).module == "only"


def test_the_module_may_be_named(tmp_path: Path) -> None:
    named = PYPROJECT + '[tool.tidemill]\nmodule = "b"\n'
    make(tmp_path, {"pyproject.toml": named, "a.py": "", "b.py": "", "c.py": ""})
    assert find(tmp_path).module == "b"
    assert find(tmp_path, "c").module == "c"


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="there is no .*pyproject.toml"):
        find(tmp_path)
    make(tmp_path, {"pyproject.toml": PYPROJECT})
    with pytest.raises(ProjectError, match="holds no Python module"):
        find(tmp_path)
    make(tmp_path, {"one.py": "", "two.py": ""})
    with pytest.raises(ProjectError, match=r"several Python modules \(one, two\)"):
        find(tmp_path)
    make(tmp_path, {"pyproject.toml": "[project"})
    with pytest.raises(ProjectError, match="cannot be read"):
        find(tmp_path)
    make(tmp_path, {"pyproject.toml": "[tool]\n"})
    with pytest.raises(ProjectError, match="no `name`"):
        find(tmp_path)


def test_a_project_without_a_smartmodule_is_told(tmp_path: Path) -> None:
    make(tmp_path, {"pyproject.toml": PYPROJECT, "empty_one.py": ""})
    with pytest.raises(ProjectError, match="empty_one has no SmartModule"):
        check(find(tmp_path))
    make(tmp_path, {"broken_one.py": "import no_such_thing\n"})
    with pytest.raises(ProjectError, match="cannot be imported: No module named 'no_such_thing'"):
        check(find(tmp_path, "broken_one"))
