"""A JSON object's top-level members in the bytes it came in, and a splice that touches only some of them.

``values`` come from ``msgspec.json.decode(body, type=dict[str, msgspec.Raw])``: ordered, each value without outer white
space. Walking the keys and adding the lengths gives the exact spans; a key that stands twice is found on the way, since
no JSON value but a number is the beginning of another, and a number is followed by ``,`` or ``}`` here.
"""

import json
import re
from collections.abc import Container, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Raw

_SPACE: Final = r"[ \t\r\n]*"
_WHITE: Final = frozenset(" \t\r\n")  # RFC 8259 §2
_KEY: Final = re.compile(rf'{_SPACE}"((?:[^"\\]|\\.)*)"{_SPACE}:{_SPACE}'.encode(), re.DOTALL)
_NEXT: Final = re.compile(rf"{_SPACE}([,}}])".encode())
_OPEN: Final = re.compile(rf"{_SPACE}\{{({_SPACE}\}})?".encode())
LENIENT: Final = json.JSONDecoder(parse_int=float)  # int() refuses numbers of more than 4300 digits


class Member(NamedTuple):
    """One top-level member: its decoded key and where key and value stand (``start`` at the key's quote)."""

    key: str
    start: int
    value_start: int
    end: int


class DuplicateKeyError(ValueError):
    """The walk met a key twice, or a value that is not the one decoded for its key."""


def decode_key(raw: bytes) -> str:
    """The key between its quotes."""
    return json.loads(b'"' + raw + b'"') if b"\\" in raw else raw.decode()


def walk(body: bytes, values: Mapping[str, Raw]) -> list[Member]:
    """The members of ``body``, whose decoded ``values`` are given.

    Raises:
        DuplicateKeyError: A key stands twice.
    """
    opening = _OPEN.match(body)
    if opening is None or opening[1] is not None:
        return []
    position = opening.end()
    members: list[Member] = []
    seen: set[str] = set()
    while True:
        match = _KEY.match(body, position)
        if match is None:
            raise DuplicateKeyError
        key = decode_key(match[1])
        value = values.get(key)
        if value is None or key in seen or not body.startswith(bytes(value), match.end()):
            raise DuplicateKeyError
        seen.add(key)
        end = match.end() + len(value)
        members.append(Member(key, match.start(1) - 1, match.end(), end))
        following = _NEXT.match(body, end)
        if following is None:
            raise DuplicateKeyError
        if following[1] == b"}":
            return members
        position = following.end()


def _skip(text: str, position: int) -> int:
    while text[position : position + 1] in _WHITE:
        position += 1
    return position


def scan(text: str) -> list[tuple[str, int, int, int]]:
    """The members of an object, duplicates and all, by the standard library's scanner; positions count characters.

    For what msgspec refuses though clients send it (lone surrogates, NaN), and to name a key that stands twice.

    Raises:
        json.JSONDecodeError: Not JSON.
        RecursionError: Nested too deeply.
        TypeError: JSON, but no object.
    """
    found: list[tuple[str, int, int, int]] = []
    whole, _ = LENIENT.raw_decode(text, _skip(text, 0))
    if not isinstance(whole, dict):
        raise TypeError("no object")
    position = _skip(text, text.index("{") + 1)
    while text[position] != "}":
        key, key_end = LENIENT.raw_decode(text, position)
        value_start = _skip(text, text.index(":", key_end) + 1)
        _, end = LENIENT.raw_decode(text, value_start)
        found.append((str(key), position, value_start, end))
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    if text[position + 1 :].strip(" \t\r\n"):
        raise json.JSONDecodeError("Extra data", text, position + 1)
    return found


def append(body: bytes, sets: Mapping[str, bytes], *, empty: bool) -> bytes:
    """``body`` with members that it does not have put behind its last one (``empty``: it has none)."""
    close = body.rindex(b"}")
    end = len(body[:close].rstrip(b" \t\r\n"))
    fresh = b",".join(_fresh(key, value) for key, value in sets.items())
    return b"".join((body[:end], b"" if empty else b",", fresh, body[end:]))


def splice(body: bytes, members: Sequence[Member], sets: Mapping[str, bytes], drops: Container[str]) -> bytes:
    """``body`` with the values in ``sets`` put in and the members in ``drops`` taken out; every other byte stays.

    A key in ``sets`` that the body has keeps its place; a new one is appended behind the last member. With nothing to
    do the same object comes back. A member that goes takes the separator before it along (the first: the one behind).
    """
    keys = {member.key for member in members}
    if not sets and not any(key in drops for key in keys):
        return body
    if not members:
        return append(body, sets, empty=True)
    pieces = [body[: members[0].start]]
    begun = False
    for index, (key, start, value_start, end) in enumerate(members):
        if key in drops:
            continue
        if begun:
            pieces.append(body[members[index - 1].end : start])
        begun = True
        if key in sets:
            pieces += (body[start:value_start], sets[key])
        else:
            pieces.append(body[start:end])
    for key, value in sets.items():
        if key not in keys:
            pieces += (b"," if begun else b"", _fresh(key, value))
            begun = True
    pieces.append(body[members[-1].end :])
    return b"".join(pieces)


def _fresh(key: str, value: bytes) -> bytes:
    return b"%b:%b" % (json.dumps(key).encode(), value)
