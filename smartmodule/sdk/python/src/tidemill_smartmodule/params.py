"""Typed parameters: a dataclass, whose fields become the parameters of the module's description."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, Union

from .errors import DefinitionError, ParamError

_REQUIRED: Final[Any] = object()


class Param:
    """One parameter."""

    __slots__ = ("default", "description", "name", "one_of", "optional", "type")

    def __init__(self, name: str, annotation: object, default: object) -> None:
        """From a field of the dataclass.

        Raises:
            DefinitionError: its type is none that a parameter may have.
        """
        self.name = name
        self.default = default
        self.description = ""
        if typing.get_origin(annotation) is Annotated:
            annotation, *notes = typing.get_args(annotation)
            self.description = next((note for note in notes if isinstance(note, str)), "")
        annotation, self.optional = _without_none(annotation)
        self.one_of: tuple[object, ...] = ()
        if typing.get_origin(annotation) is Literal:
            self.one_of = typing.get_args(annotation)
            annotation = type(self.one_of[0])
        self.type = _type_name(name, annotation)

    def describe(self) -> dict[str, object]:
        """As the module's description has it."""
        described: dict[str, object] = {
            "name": self.name,
            "type": self.type,
            "required": self.default is _REQUIRED and not self.optional,
            "description": self.description,
        }
        if self.default is not _REQUIRED and self.default is not None:
            described["default"] = self.default
        if self.one_of:
            described["oneOf"] = list(self.one_of)
        return described

    def check(self, value: Any) -> Any:
        """The value as the dataclass takes it.

        Raises:
            ParamError: it is of another type.
        """
        if value is None and self.optional:
            return None
        what, fits = _TYPES[self.type]
        if not fits(value):
            raise ParamError(f"the parameter `{self.name}` must be {what}, not {value!r}")
        if self.type == "number":
            value = float(value)
        if self.one_of and value not in self.one_of:
            allowed = ", ".join(map(repr, self.one_of))
            raise ParamError(f"the parameter `{self.name}` must be one of {allowed}, not {value!r}")
        return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, float) or _is_whole(value)


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_TYPES: Final[Mapping[str, tuple[str, Callable[[object], bool]]]] = {
    "string": ("a string", lambda value: isinstance(value, str)),
    "integer": ("a whole number", _is_whole),
    "number": ("a number", _is_number),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "stringList": ("a list of strings", _is_list_of_text),
    "json": ("JSON", lambda value: True),
}

_NAMES: Final[tuple[tuple[object, str], ...]] = (
    (str, "string"),
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (list[str], "stringList"),
    (Any, "json"),
    (object, "json"),
)


def _without_none(annotation: object) -> tuple[object, bool]:
    if typing.get_origin(annotation) in (Union, types.UnionType):
        rest = [part for part in typing.get_args(annotation) if part is not type(None)]
        if len(rest) == 1:
            return rest[0], True
    return annotation, False


def _type_name(name: str, annotation: object) -> str:
    for known, type_name in _NAMES:
        if annotation == known:
            return type_name
    if typing.get_origin(annotation) is dict or annotation is dict:
        return "json"
    raise DefinitionError(
        f"the parameter `{name}` is of type {annotation}; it may be str, int, float, bool, list[str], Any or dict (for "
        "any JSON), a Literal, or one of them `| None`"
    )


class Params:
    """The parameters that a dataclass stands for."""

    __slots__ = ("_class", "all")

    def __init__(self, cls: type | None) -> None:
        """From the dataclass; `None` for no parameters.

        Raises:
            DefinitionError: it is no dataclass, or a field has a type that no parameter may have.
        """
        self._class = cls
        self.all: tuple[Param, ...] = ()
        if cls is None:
            return
        if not dataclasses.is_dataclass(cls):
            raise DefinitionError(f"parameters are a dataclass; {cls.__qualname__} is none: put @dataclass before it")
        hints = typing.get_type_hints(cls, include_extras=True)
        fields = [field for field in dataclasses.fields(cls) if field.init]
        self.all = tuple(Param(field.name, hints[field.name], _default(field)) for field in fields)

    def build(self, values: Mapping[str, object]) -> Any:
        """The dataclass with these values; `None` where the module has no parameters.

        Raises:
            ParamError: one is missing, unknown or of the wrong type, or they make no sense together.
        """
        known = {param.name: param for param in self.all}
        for name in values:
            if name not in known:
                takes = f"it takes {', '.join(known)}" if known else "it takes none"
                raise ParamError(f"the module has no parameter `{name}`; {takes}")
        if self._class is None:
            return None
        given: dict[str, object] = {}
        for param in self.all:
            if param.name in values:
                given[param.name] = param.check(values[param.name])
            elif param.default is _REQUIRED:
                if not param.optional:
                    raise ParamError(f"the parameter `{param.name}` is missing; it is {_TYPES[param.type][0]}")
                given[param.name] = None
        return self._class(**given)


def _default(field: dataclasses.Field[Any]) -> object:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return _REQUIRED
