r"""Unicode escapes of printable ASCII, at any depth of JSON in JSON, written as the characters they stand for.

``\u0022`` hides a quote, ``api\u005fkey`` a name. Within a JSON string the escape with ``b`` backslashes before it is
equivalent to the character with a count of backslashes that depends on ``b`` alone, so that the text means the same
before and after, whatever the depth.
"""

import re
from typing import Final

_ESCAPE: Final = re.compile(r"(?<!\\)(\\++)u00([2-7][0-9a-fA-F])")
_ESCAPED: Final = re.compile(r"\\u00[2-7]")
_MARK: Final = "\\u00"


def hides_ascii(text: str) -> bool:
    """Whether the text holds an escape of a printable ASCII character."""
    return _MARK in text and _ESCAPED.search(text) is not None


def unescape_ascii(text: str) -> str:
    """The text with its escapes of printable ASCII characters resolved; the same object where it has none.

    An escaped backslash can be the beginning of another escape: level by level, as long as there are some.
    """
    while hides_ascii(text):
        plain = _ESCAPE.sub(_replace, text)
        if plain == text:
            break
        text = plain
    return text


def _replace(match: re.Match[str]) -> str:
    character = chr(int(match[2], 16))
    if character == "\x7f":
        return match[0]
    return "\\" * _backslashes(len(match[1]), character) + character


def _backslashes(before: int, character: str) -> int:
    """How many backslashes the bare character needs, where its escape had ``before`` of them.

    An odd run ends in the escape's own backslash: the rest stays, and a quote or a backslash needs one again. An even
    run is the escape one level further in: there it has half as many, and coming out again doubles what is needed.
    """
    depth = 0
    while before % 2 == 0:
        before //= 2
        depth += 1
    needs_one = character in {'"', "\\"}
    needed = before - 1 + needs_one
    for _ in range(depth):
        needed = 2 * needed + needs_one
    return needed
