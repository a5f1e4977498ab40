"""What is wrong with a configuration: each mistake with its path, what was there, what is wanted; all at once."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from open_llm_proxy.errors import UserError

Path = tuple[str | int, ...]
"""Keys and list indexes from the top of the file."""

SHOWN_CHARACTERS: Final = 60
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


class Problem(msgspec.Struct, frozen=True, order=True):
    """One mistake. ``path``: dotted place in the file, variable or flag; empty: the file as a whole."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(UserError):
    """Every mistake of file, environment and flags at once.

    ``message`` holds all of them on one line, ``str()`` one a line under a heading, ``lines`` is that text in lines.

    Args:
        problems: What is wrong, in the order found.
        source: The file that was read.
    """

    def __init__(self, problems: Sequence[Problem], source: str) -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__(f"wrong configuration ({source}): {'; '.join(map(str, self.problems))}")

    @property
    def lines(self) -> tuple[str, ...]:
        """A heading, then one line a problem."""
        count = len(self.problems)
        heading = f"wrong configuration ({self.source}): {count} problem{'s' if count > 1 else ''}"
        return (heading, *(f"  {problem}" for problem in self.problems))

    def __str__(self) -> str:
        return "\n".join(self.lines)


def dotted(path: Path) -> str:
    """``providers.nimbus.models[2]``; a key that is no plain word stands in brackets, as JSON has it."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _PLAIN_KEY.fullmatch(step):
            parts.append(f".{step}" if parts else step)
        else:
            parts.append(f"[{quoted(step)}]")
    return "".join(parts)


def quoted(text: str) -> str:
    """``text`` as JSON, in ASCII, cut to ``SHOWN_CHARACTERS``."""
    cut = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
    return '"' + "".join(_escaped(character) for character in cut) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\u{ord(character):04x}"


def shown(value: Any) -> str:
    """What was there, short: the value itself where it is small, else its kind."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            text = repr(value)
            return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
        case str():
            return quoted(value)
        case dict():
            return "an object"
        case _:
            return "a list"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` was probably meant to be."""
    words = list(known)
    folded = {other.lower().replace("-", "_"): other for other in words}
    close = difflib.get_close_matches(word.lower().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None
