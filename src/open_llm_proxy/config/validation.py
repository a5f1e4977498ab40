"""A raw JSON value against the structs, by walking both: every mistake is found, and what is right is kept.

The walk knows types, not fields: what a field needs is written at the field (``schema``). What comes back holds only
the valid parts, so that the checks over several values (``rules``) can run in the same round.
"""

from collections.abc import Callable
from typing import Any, Final, cast

from msgspec import inspect

from open_llm_proxy.config.document import free_form_problems, has_surrogate, is_comment, repeated_here
from open_llm_proxy.config.formats import FORMATS
from open_llm_proxy.config.problems import Path, Problem, dotted, nearest, shown
from open_llm_proxy.config.wording import Type, bare, described, description, format_name, places

INVALID: Final = object()
"""Stands for a value that is left out of the result, its problem noted."""


def validate(value: Any, wanted: Type, path: Path = ()) -> tuple[Any, list[Problem]]:
    """Check ``value`` (parsed JSON) against ``wanted`` (``msgspec.inspect.type_info``).

    Returns:
        The value without remarks and without its invalid parts (``INVALID``: nothing is left), and the problems.
    """
    walk = _Walk(wanted)
    return walk.clean(value, wanted, path), walk.problems


class _Walk:
    """One pass over one file; gathers the problems."""

    def __init__(self, top: Type) -> None:
        self.problems: list[Problem] = []
        self._top = top
        self._cleaners: dict[type[Type], Callable[[Any, Any, Path], Any]] = {
            inspect.Metadata: self._annotated,
            inspect.StructType: self._struct,
            inspect.DictType: self._dict,
            inspect.VarTupleType: self._list,
            inspect.UnionType: self._union,
            inspect.AnyType: self._any,
        }

    def clean(self, value: Any, wanted: Type, path: Path) -> Any:
        return self._cleaners.get(type(wanted), self._scalar)(value, wanted, path)

    def _say(self, path: Path, message: str) -> Any:
        self.problems.append(Problem(dotted(path), message))
        return INVALID

    def _unexpected(self, value: Any, wanted: Type, path: Path) -> Any:
        return self._say(path, f"expected {described(wanted)}, got {shown(value)}")

    def _annotated(self, value: Any, wanted: inspect.Metadata, path: Path) -> Any:
        cleaned = self.clean(value, wanted.type, path)
        name = format_name(wanted)
        if name is None or not isinstance(cleaned, str):
            return cleaned
        wrong = FORMATS[name](cleaned)
        return cleaned if wrong is None else self._say(path, wrong)

    def _scalar(self, value: Any, wanted: Type, path: Path) -> Any:
        if _SCALARS[type(wanted)](value, wanted):
            return value
        if value == "" and isinstance(wanted, inspect.StrType):
            return self._say(path, "expected a string that is not empty")
        return self._unexpected(value, wanted, path)

    def _any(self, value: Any, _wanted: Type, path: Path) -> Any:
        self.problems += free_form_problems(value, path)
        return value

    def _union(self, value: Any, wanted: inspect.UnionType, path: Path) -> Any:
        for alternative in wanted.types:
            if _same_kind(value, alternative):
                return self.clean(value, alternative, path)
        return self._unexpected(value, wanted, path)

    def _list(self, value: Any, wanted: inspect.VarTupleType, path: Path) -> Any:
        if not isinstance(value, list):
            return self._unexpected(value, wanted, path)
        items = cast("list[Any]", value)
        cleaned = [self.clean(item, wanted.item_type, (*path, index)) for index, item in enumerate(items)]
        return [item for item in cleaned if item is not INVALID]

    def _dict(self, value: Any, wanted: inspect.DictType, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._unexpected(value, wanted, path)
        members = cast("dict[str, Any]", value)
        if isinstance(bare(wanted.value_type), inspect.AnyType):  # free form: the keys are the provider's, not ours
            return self._any(members, wanted, path)
        cleaned: dict[str, Any] = {}
        for key, member in self._ours(members, path).items():
            kept = self.clean(member, wanted.value_type, (*path, key))
            if self.clean(key, wanted.key_type, (*path, key)) is not INVALID and kept is not INVALID:
                cleaned[key] = kept
        return cleaned

    def _ours(self, members: dict[str, Any], path: Path) -> dict[str, Any]:
        """The members that are no remarks; keys given twice are noted."""
        self.problems += repeated_here(members, path)
        return {key: member for key, member in members.items() if not is_comment(key)}

    def _struct(self, value: Any, wanted: inspect.StructType, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._unexpected(value, wanted, path)
        fields = {field.encode_name: field for field in wanted.fields}
        cleaned: dict[str, Any] = {}
        for key, member in self._ours(cast("dict[str, Any]", value), path).items():
            if key not in fields:
                self._say((*path, key), self._unknown(key, fields))
            elif (kept := self.clean(member, fields[key].type, (*path, key))) is not INVALID:
                cleaned[key] = kept
        missing = [field for field in wanted.fields if field.required and field.encode_name not in cleaned]
        for field in missing:
            if field.encode_name not in value:
                told = description(field.type).rstrip(".")
                self._say((*path, field.encode_name), f"missing; expected {described(field.type)} ({told})")
        return INVALID if missing else cleaned

    def _unknown(self, key: str, fields: dict[str, inspect.Field]) -> str:
        close = nearest(key, fields)
        if close is None:
            close = next((place for place in places(self._top) if place.rpartition(".")[2] == key), None)
        return f"unknown key; did you mean {close}?" if close else f"unknown key; known here: {', '.join(fields)}"


_KINDS: Final[dict[type[Type], type | tuple[type, ...]]] = {
    inspect.StructType: dict,
    inspect.DictType: dict,
    inspect.VarTupleType: list,
    inspect.StrType: str,
    inspect.LiteralType: str,
    inspect.BoolType: bool,
    inspect.IntType: (int, float),
    inspect.FloatType: (int, float),
    inspect.NoneType: type(None),
}


def _same_kind(value: Any, wanted: Type) -> bool:
    """Whether ``value`` is of the JSON kind that ``wanted`` is, whatever its bounds."""
    kind = _KINDS[type(bare(wanted))]
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _is_str(value: Any, wanted: inspect.StrType) -> bool:
    return isinstance(value, str) and len(value) >= (wanted.min_length or 0) and not has_surrogate(value)


def _is_int(value: Any, wanted: inspect.IntType) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and _within(value, wanted)


def _is_float(value: Any, wanted: inspect.FloatType) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _within(value, wanted)


def _within(value: float, wanted: inspect.IntType | inspect.FloatType) -> bool:
    return (
        (wanted.ge is None or value >= wanted.ge)
        and (wanted.gt is None or value > wanted.gt)
        and (wanted.le is None or value <= wanted.le)
        and (wanted.lt is None or value < wanted.lt)
    )


_SCALARS: Final[dict[type[Type], Callable[[Any, Any], bool]]] = {
    inspect.StrType: _is_str,
    inspect.IntType: _is_int,
    inspect.FloatType: _is_float,
    inspect.BoolType: lambda value, _: isinstance(value, bool),
    inspect.NoneType: lambda value, _: value is None,
    inspect.LiteralType: lambda value, wanted: isinstance(value, str) and value in wanted.values,
}
