"""A plan's tables, read key by key: what is wrong is noted with its place, and reading goes on. Pure."""

import difflib
import json
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from typing import Any, Final, TypeVar, cast

from open_llm_proxy.errors import UserError

SHOWN_CHARACTERS: Final = 60
Choice = TypeVar("Choice", bound=str)
_MISSING: Final = object()


class PlanError(UserError):
    """Every mistake of a plan at once: ``str()`` is a heading and a line each.

    Args:
        problems: ``place: what was there, what is wanted``.
        source: The plan's file.
    """

    def __init__(self, problems: Sequence[str], source: str) -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__(f"wrong plan ({source}): {'; '.join(problems)}")

    def __str__(self) -> str:
        count = len(self.problems)
        heading = f"wrong plan ({self.source}): {count} problem{'s' if count > 1 else ''}"
        return "\n".join((heading, *(f"  {problem}" for problem in self.problems)))


class Table:
    """One table of a plan.

    Args:
        members: What stands there, if it is a table at all.
        place: Where, as people write it: ``questions[1].gold``; empty: the plan as a whole.
        problems: Where what is wrong is noted.
        known: Its keys.
        required: Those of them that must be there.
    """

    def __init__(
        self, members: Any, place: str, problems: list[str], known: Sequence[str], required: Sequence[str] = ()
    ) -> None:
        self.place = place
        self.problems = problems
        self.is_table = isinstance(members, dict)
        self._members = cast("dict[str, Any]", members) if isinstance(members, dict) else {}
        if not self.is_table:
            self.problems.append(f"{place}: {shown(members)} is not what is wanted: a table")
            return
        for key in self._members:
            if key not in known:
                self.wrong(key, f"no such key{_suggestion(key, known)}")
        for key in required:
            if key not in self._members:
                self.wrong(key, "is missing")

    def __contains__(self, key: str) -> bool:
        return key in self._members

    def at(self, key: str, index: int | None = None) -> str:
        """The place of a key, or of an item of its list."""
        name = key if key.replace("_", "").replace("-", "").isalnum() else json.dumps(key)
        whole = f"{self.place}.{name}" if self.place else name
        return whole if index is None else f"{whole}[{index}]"

    def wrong(self, key: str, what: str, index: int | None = None) -> None:
        """Note a mistake."""
        self.problems.append(f"{self.at(key, index)}: {what}")

    def raw(self, key: str) -> Any:
        """The value as it stands; None: there is none."""
        return self._members.get(key)

    def text(self, key: str, default: str = "") -> str:
        """A text that is not empty."""
        return self._take(key, default, _is_text, "a text")

    def whole(self, key: str, default: int, low: int = 0) -> int:
        """A whole number."""
        return self._take(
            key, default, lambda value: _is_whole(value) and value >= low, f"a whole number from {low} on"
        )

    def number(self, key: str, default: float | None, *, above: float = 0, wanted: str = "") -> float | None:
        """A number from ``above`` on; ``wanted`` ``seconds``: and not 0."""

        def fits(value: Any) -> bool:
            return is_number(value) and (value > above if wanted else value >= above)

        return self._take(key, default, fits, f"{wanted}, more than {above:g}" if wanted else f"{above:g} or more")

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        return self._take(key, default, lambda value: isinstance(value, bool), "true or false")

    def choice(self, key: str, default: Choice, choices: Sequence[Choice]) -> Choice:
        """One of several words."""
        value = self.text(key, default)
        for one in choices:
            if one == value:
                return one
        self.wrong(key, f"{shown(value)} is not what is wanted: {', '.join(choices)}{_suggestion(value, choices)}")
        return default

    def texts(self, key: str) -> tuple[str, ...]:
        """A text, or a list of texts."""
        value = self.raw(key)
        values = cast("list[Any]", value) if isinstance(value, list) else [value]
        if value is None or (values and all(map(_is_text, values))):
            return tuple(values) if value is not None else ()
        self.wrong(key, f"{shown(value)} is not what is wanted: a text, or a list of texts")
        return ()

    def items(self, key: str) -> list[Any]:
        """A list, with something in it where it stands."""
        value = self.raw(key)
        if value is None or (isinstance(value, list) and value):
            return cast("list[Any]", value or [])
        self.wrong(key, f"{shown(value)} is not what is wanted: a list" + (" that is not empty" if value == [] else ""))
        return []

    def table(self, key: str, known: Sequence[str], required: Sequence[str] = ()) -> "Table | None":
        """A table below this one; None: there is none."""
        if key not in self._members:
            return None
        return Table(self._members[key], self.at(key), self.problems, known, required)

    def _take(self, key: str, default: Any, fits: Callable[[Any], bool], wanted: str) -> Any:
        value = self._members.get(key, _MISSING)
        if value is _MISSING:
            return default
        if fits(value):
            return value
        self.wrong(key, f"{shown(value)} is not what is wanted: {wanted}")
        return default


def shown(value: Any) -> str:
    """What was there, short."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def is_number(value: Any) -> bool:
    """Whether it is a finite number, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _suggestion(word: str, known: Iterable[str]) -> str:
    words = list(known)
    close = difflib.get_close_matches(word.lower().replace("-", "_"), words, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(words)}"
