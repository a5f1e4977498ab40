"""The structs' types in words, for messages and documents."""

import re
from collections.abc import Callable
from typing import Any, Final, cast

from msgspec import inspect

Type = inspect.Type
_UNTOLD: Final = 10**12  # upper bounds from here on are there for the arithmetic, not for people


def described(wanted: Type) -> str:
    """What a type takes, in words: ``a whole number from 0 to 65535``."""
    return _WORDS[type(wanted)](wanted)


def bare(wanted: Type) -> Type:
    """The type itself, without description and format."""
    while isinstance(wanted, inspect.Metadata):
        wanted = wanted.type
    return wanted


def description(wanted: Type) -> str:
    """The sentence written at a field; empty where there is none."""
    if not isinstance(wanted, inspect.Metadata):
        return ""
    # msgspec's annotation is a bare dict, here and below.
    extra = cast("dict[str, str]", wanted.extra_json_schema or {})  # pyright: ignore[reportUnknownMemberType]
    return extra.get("description", "")


def format_name(wanted: inspect.Metadata) -> str | None:
    """The rule of ``formats`` that a text keeps."""
    extra = cast("dict[str, str]", wanted.extra or {})  # pyright: ignore[reportUnknownMemberType]
    return extra.get("format")


def places(top: Type, path: str = "") -> list[str]:
    """Each field's usual place, ``listen.port``, ``providers.<name>.models``."""
    inner = bare(top)
    if isinstance(inner, inspect.StructType):
        dot = f"{path}." if path else ""
        found: list[str] = []
        for field in inner.fields:
            found += [f"{dot}{field.encode_name}", *places(field.type, f"{dot}{field.encode_name}")]
        return found
    return places(inner.value_type, f"{path}.<name>") if isinstance(inner, inspect.DictType) else []


def _bounds(wanted: inspect.IntType | inspect.FloatType) -> str:
    high = wanted.le if wanted.le is not None and wanted.le < _UNTOLD else None
    if wanted.gt is not None:
        return f" above {wanted.gt}" + (f", {high} at most" if high is not None else "")
    return f" from {wanted.ge}" + (f" to {high}" if high is not None else "")


def _many(words: str) -> str:
    return re.sub(r"^an? ((?:whole )?[a-z]+)", r"\1s", words)


_WORDS: Final[dict[type[Type], Callable[[Any], str]]] = {
    inspect.Metadata: lambda wanted: described(wanted.type),
    inspect.StructType: lambda _: "an object",
    inspect.DictType: lambda _: "an object",
    inspect.VarTupleType: lambda wanted: f"a list of {_many(described(wanted.item_type))}",
    inspect.UnionType: lambda wanted: " or ".join(described(alternative) for alternative in wanted.types),
    inspect.AnyType: lambda _: "any JSON",
    inspect.StrType: lambda _: "a string",
    inspect.IntType: lambda wanted: f"a whole number{_bounds(wanted)}",
    inspect.FloatType: lambda wanted: f"a number{_bounds(wanted)}",
    inspect.BoolType: lambda _: "true or false",
    inspect.NoneType: lambda _: "null",
    inspect.LiteralType: lambda wanted: " or ".join(f'"{value}"' for value in wanted.values),
}
