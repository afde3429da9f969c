"""Parameters: what a dataclass says, and what it refuses."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest

from tidemill_smartmodule import DefinitionError, ParamError
from tidemill_smartmodule.params import Params


@dataclass
class All:
    """One of each type."""

    text: Annotated[str, "What to look for"]
    count: int = 3
    ratio: float = 0.5
    strict: bool = False
    fields: list[str] = field(default_factory=lambda: ["a"])
    rules: Annotated[dict[str, Any], "Rules"] = field(default_factory=dict)
    anything: Any = None
    side: Literal["key", "value"] = "value"
    maybe: int | None = None
    wanted: Annotated[int | None, "May be left out"] = None


def test_the_description_says_what_the_dataclass_does() -> None:
    described = {str(param.name): param.describe() for param in Params(All).all}
    assert described["text"] == {
        "name": "text", "type": "string", "required": True, "description": "What to look for",
    }  # fmt: skip
    assert described["count"]["type"] == "integer"
    assert described["count"]["default"] == 3
    assert described["ratio"]["type"] == "number"
    assert described["strict"]["type"] == "boolean"
    assert described["fields"]["type"] == "stringList"
    assert described["fields"]["default"] == ["a"]
    assert described["rules"]["type"] == "json"
    assert described["anything"]["type"] == "json"
    assert described["side"]["oneOf"] == ["key", "value"]
    assert described["maybe"]["type"] == "integer"
    assert "default" not in described["maybe"]
    assert [name for name, param in described.items() if param["required"]] == ["text"]


def test_values_are_filled_in_and_checked() -> None:
    built = Params(All).build({"text": "x", "ratio": 1, "maybe": 4, "side": "key"})
    assert built == All("x", ratio=1.0, maybe=4, side="key")
    assert isinstance(built.ratio, float)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "`text` is missing; it is a string"),
        ({"text": 1}, "`text` must be a string, not 1"),
        ({"text": "x", "count": True}, "`count` must be a whole number, not True"),
        ({"text": "x", "count": 1.5}, "`count` must be a whole number"),
        ({"text": "x", "fields": ["a", 1]}, "`fields` must be a list of strings"),
        ({"text": "x", "strict": "true"}, "`strict` must be true or false"),
        ({"text": "x", "side": "left"}, "`side` must be one of 'key', 'value', not 'left'"),
        ({"text": "x", "txt": "y"}, "no parameter `txt`; it takes text, count"),
    ],
)
def test_wrong_values_are_told(values: dict[str, object], why: str) -> None:
    with pytest.raises(ParamError, match=why.replace("|", r"\|")):
        Params(All).build(values)


def test_a_type_that_no_parameter_has_is_told() -> None:
    @dataclass
    class Odd:
        when: complex

    with pytest.raises(DefinitionError, match="`when` is of type .*complex"):
        Params(Odd)
    with pytest.raises(DefinitionError, match="put @dataclass before it"):
        Params(int)
