"""A record to its line: compact JSON in UTF-8, never longer than a limit; and the short form of it for stdout."""

import copy
from collections.abc import Iterator
from operator import attrgetter
from types import UnionType
from typing import Any, Final, NamedTuple, cast, get_args, get_origin

import msgspec

from open_llm_proxy.records.types import Record, RequestRecord, ResponseRecord, SystemPromptRecord, ToolsRecord

RECORD_LIMIT_BYTES: Final = 15 << 20
_SMALLEST_CUT: Final = 64
_FIXED: Final = frozenset(("timestamp", "type", "request_id", "truncated"))
# Looked for by `kubectl logs … | grep '"origin":"https…"'`.
_WHOLE_ON_STDOUT: Final = _FIXED | {"origin"}
_encode = msgspec.json.Encoder().encode


def encode(record: Record, limit_bytes: int = RECORD_LIMIT_BYTES) -> bytes:
    """The record as one line, without the newline, shorter than ``limit_bytes``.

    The longest texts are cut first, and named in ``truncated``. What has no UTF-8 (a lone surrogate) becomes U+FFFD.
    """
    line = _encode_value(record)
    return line if len(line) < limit_bytes else _encode_cut(record, limit_bytes)


def encode_line_for_stdout(record: Record, max_field: int, line: bytes | None = None) -> bytes:
    """The record's line with each text cut to ``max_field`` characters (0: whole), conversations left out.

    Args:
        record: The record.
        max_field: Characters.
        line: What ``encode`` gave for it, if that is known; it is given back where nothing is to be cut.
    """
    cut = _LONG[record.__class__].find(record, max_field) if max_field > 0 else {}
    if not cut:
        return encode(record) if line is None else line
    short = copy.copy(record)
    for field, value in cut.items():
        setattr(short, field, value)
    return encode(short)


class _Long:
    """Which fields of a type of record may be too long for stdout: its texts, and what may hold some."""

    def __init__(self, kind: type[Record]) -> None:
        fields = [field for field in msgspec.structs.fields(kind) if field.name not in _WHOLE_ON_STDOUT]
        self._texts = tuple(field.name for field in fields if str in _kinds_of(field.type))
        self._nested = tuple(field.name for field in fields if {list, dict} & _kinds_of(field.type))
        self._get_texts = attrgetter(*self._texts)

    def find(self, record: Record, max_field: int) -> dict[str, Any]:
        """The fields that must be shorter on stdout, with what is left of them."""
        found: dict[str, Any] = {}
        for field, text in zip(self._texts, self._get_texts(record), strict=True):
            if text and len(text) > max_field:
                found[field] = text[:max_field]
        for field in self._nested:
            value = getattr(record, field)
            if value is msgspec.UNSET:
                continue
            if field == "messages":
                found[field] = msgspec.UNSET
            elif value and _may_be_long(value, max_field):
                found[field] = _cut_texts(msgspec.to_builtins(value), max_field)
        return found


def _kinds_of(annotation: Any) -> set[Any]:
    """The classes that a field's value may have."""
    parts = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return {get_origin(part) or part for part in parts}


_LONG: Final = {kind: _Long(kind) for kind in (RequestRecord, ResponseRecord, SystemPromptRecord, ToolsRecord)}


def _may_be_long(value: Any, max_field: int) -> bool:
    """Whether a list or object can hold a text of more characters: its JSON has at least one byte for each."""
    return len(_encode_value(value)) > max_field


def _cut_texts(value: Any, length: int) -> Any:
    """A JSON value whose texts have at most this length."""
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, list):
        return [_cut_texts(item, length) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: _cut_texts(item, length) for name, item in cast("dict[str, Any]", value).items()}
    return value


def _encode_value(value: Any) -> bytes:
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(_mend(msgspec.to_builtins(value)))


def _mend(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_mend(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {_mend(name): _mend(item) for name, item in cast("dict[str, Any]", value).items()}
    return value


class _Leaf(NamedTuple):
    """A text within a record: its field, and where it is held."""

    field: str
    holder: Any
    key: Any
    length: int


def _encode_cut(record: Record, limit_bytes: int) -> bytes:
    fields: dict[str, Any] = msgspec.to_builtins(record)
    cut: list[str] = fields.setdefault("truncated", [])
    line = _encode_value(fields)
    while len(line) >= limit_bytes:
        names = _shorten(fields, len(line) - limit_bytes + 1) or _drop_largest(fields)
        cut += [name for name in names if name not in cut]
        line = _encode_value(fields)
    return line


def _shorten(fields: dict[str, Any], excess: int) -> list[str]:
    """Cut the longest texts to one common length, so that at least ``excess`` characters go; the fields concerned.

    A character has at least one byte, so one round is nearly always enough.
    """
    leaves = sorted(_find_leaves(fields), key=lambda leaf: -leaf.length)
    level, total = _SMALLEST_CUT, 0
    for count, leaf in enumerate(leaves, 1):
        total += leaf.length
        following = leaves[count].length if count < len(leaves) else _SMALLEST_CUT
        if total - count * following >= excess:
            level = max(_SMALLEST_CUT, (total - excess) // count)
            break
    long = [leaf for leaf in leaves if leaf.length > level]
    for leaf in long:
        leaf.holder[leaf.key] = leaf.holder[leaf.key][:level]
    return list(dict.fromkeys(leaf.field for leaf in long))


def _find_leaves(fields: dict[str, Any]) -> Iterator[_Leaf]:
    for field in fields:
        if field not in _FIXED:
            yield from _walk(field, fields, field)


def _walk(field: str, holder: Any, key: Any) -> Iterator[_Leaf]:
    stack = [(holder, key)]
    while stack:
        held, place = stack.pop()
        value: Any = held[place]
        if isinstance(value, str):
            if len(value) > _SMALLEST_CUT:
                yield _Leaf(field, held, place, len(value))
        elif isinstance(value, list):
            stack += [(value, index) for index in range(len(cast("list[Any]", value)))]
        elif isinstance(value, dict):
            stack += [(value, name) for name in cast("dict[str, Any]", value)]


def _drop_largest(fields: dict[str, Any]) -> list[str]:
    """Take out the largest field whole: it is large by its structure, not by its texts."""
    sizes = {name: len(_encode_value(value)) for name, value in fields.items() if isinstance(value, list | dict)}
    largest = max(sizes, key=lambda name: sizes[name])
    fields[largest] = None if largest != "truncated" else []
    return [largest]
