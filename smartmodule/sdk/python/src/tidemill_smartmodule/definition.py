"""What the decorators write down of a module, and how it is found and started."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from .errors import DefinitionError
from .params import Params
from .version import VERSION

T = TypeVar("T")
_MARK: Final = "__tidemill_smartmodule__"
_LOOKS_BACK: Final = "__tidemill_look_back__"
# How many records, or accumulators, a function of each kind takes before its parameters.
_TAKES: Final[Mapping[str, int]] = {
    "filter": 1, "map": 1, "filter_map": 1, "flat_map": 1, "validate": 1, "aggregate": 2, "join": 2,
}  # fmt: skip


class Started:
    """A module with its parameters."""

    __slots__ = ("call", "kind", "look_back")

    def __init__(self, kind: str, call: Callable[..., Any], look_back: Callable[..., Any] | None) -> None:
        """With what to call for each record."""
        self.kind = kind
        self.call = call
        self.look_back = look_back


class Definition:
    """A module: its kind, its parameters, and what it does."""

    def __init__(self, kind: str, module: Any) -> None:
        """From a function or a class.

        Raises:
            DefinitionError: it does not take what a module of its kind takes.
        """
        self.kind = kind
        self.module = module
        self.name: str = module.__name__
        self.description = (inspect.getdoc(module) or "").split("\n\n")[0].replace("\n", " ")
        self.remembers: Callable[..., Any] | None = None
        if isinstance(module, type):
            if not callable(getattr(module, kind, None)):
                raise DefinitionError(f"the class {self.name} has no method `{kind}`, which a {kind} needs")
            self.remembers = getattr(module, "look_back", None)
            init = getattr(module, "__init__")  # noqa: B009 -- mypy sees more than is meant in the attribute
            own = _Argument(f"{self.name}.__init__", init, 1) if init is not object.__init__ else None
        else:
            own = _Argument(self.name, module, _TAKES[kind])
        self._own = own
        self.params = Params(own.cls if own else None)

    def describe(self, name: str, version: str, description: str) -> dict[str, object]:
        """The description that the server reads."""
        return {
            "abi": 1,
            "kind": self.kind,
            "name": name or self.name,
            "version": version,
            "description": self.description or description,
            "language": "python",
            "sdk": f"tidemill-smartmodule {VERSION}",
            "params": [param.describe() for param in self.params.all],
            "lookBack": self.remembers is not None,
        }

    def start(self, values: Mapping[str, object]) -> Started:
        """Brings it into being.

        Raises:
            ParamError: the parameters do not fit. The dataclass and the class may raise what they like.
        """
        params = self.params.build(values)
        if isinstance(self.module, type):
            own = self.module(params) if self._own and self._own.name else self.module()
            return Started(self.kind, getattr(own, self.kind), getattr(own, "look_back", None))
        look_back = self.remembers
        if look_back is not None:
            look_back = _Argument(look_back.__name__, look_back, 1).bind(look_back, params)
        call = self._own.bind(self.module, params) if self._own else self.module
        return Started(self.kind, call, look_back)


def define(kind: str, module: T) -> T:
    """Makes a module of a function or class."""
    setattr(module, _MARK, Definition(kind, module))
    return module


def remember(function: T) -> T:
    """Marks a function that looks back."""
    setattr(function, _LOOKS_BACK, True)
    return function


def of(module: object) -> Definition:
    """The definition of a function, a class, or of the one that a Python module has.

    Raises:
        DefinitionError: there is none, or there are several.
    """
    found = getattr(module, _MARK, None)
    if not isinstance(module, types.ModuleType):
        if not isinstance(found, Definition):
            raise DefinitionError(f"{module!r} is no SmartModule: put @smartmodule.filter, or another kind, before it")
        if found.remembers is None and not isinstance(module, type):
            home = inspect.getmodule(module)
            found.remembers = None if home is None else _looks_back(home)
        return found
    definitions = [value for value in vars(module).values() if isinstance(_attributes(value).get(_MARK), Definition)]
    if not definitions:
        raise DefinitionError(
            f"{module.__name__} has no SmartModule: put @smartmodule.filter, or another kind, before a function"
        )
    if len(definitions) > 1:
        names = ", ".join(value.__name__ for value in definitions)
        raise DefinitionError(f"{module.__name__} has more than one SmartModule: {names}; a file holds one")
    return of(definitions[0])


def _attributes(value: object) -> Mapping[str, object]:
    """The attributes of its own that a value has."""
    return getattr(value, "__dict__", {})


def _looks_back(home: types.ModuleType) -> Callable[..., Any] | None:
    found = [value for value in vars(home).values() if _attributes(value).get(_LOOKS_BACK) is True]
    if len(found) > 1:
        raise DefinitionError(f"{home.__name__} has more than one function that looks back; a module has one")
    return typing.cast("Callable[..., Any]", found[0]) if found else None


class _Argument:
    """The argument that takes the parameters, if a function has one after the first `takes`."""

    __slots__ = ("cls", "name")

    def __init__(self, function_name: str, function: Callable[..., Any], takes: int) -> None:
        self.name: str | None = None
        self.cls: type | None = None
        positional = [
            argument
            for argument in inspect.signature(function).parameters.values()
            if argument.kind in (argument.POSITIONAL_ONLY, argument.POSITIONAL_OR_KEYWORD)
        ]
        if not takes <= len(positional) <= takes + 1:
            raise DefinitionError(
                f"{function_name} takes {len(positional)} arguments; it must take {takes}, then its parameters if it "
                "has any"
            )
        if len(positional) == takes:
            return
        self.name = positional[takes].name
        hint = typing.get_type_hints(function).get(self.name)
        if not isinstance(hint, type):
            raise DefinitionError(f"{function_name}: say the type of `{self.name}`: the dataclass of the parameters")
        self.cls = hint

    def bind(self, function: Callable[..., Any], params: object) -> Callable[..., Any]:
        """The function with its parameters."""
        return function if self.name is None else functools.partial(function, **{self.name: params})
