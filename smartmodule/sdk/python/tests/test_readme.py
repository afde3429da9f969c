"""What the README shows, works."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("at", range(len(BLOCKS)))
def test_an_example_runs(at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As a file, since annotations are looked up in a module.
    name = f"readme_{at}"
    (tmp_path / f"{name}.py").write_text(BLOCKS[at], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__(name)
    for test in [value for own, value in vars(module).items() if own.startswith("test_")]:
        test()
