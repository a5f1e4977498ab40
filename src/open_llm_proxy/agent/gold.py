"""Gold answers: what a right answer is, and whether one is. Pure; what a model has to judge is in ``judge``.

========  ====================================================================================================
kind      an answer passes when
========  ====================================================================================================
exact     it is the text (or one of several), white space around it aside
numeric   a number in it is the wanted one, give or take the tolerance
regex     the expression is found in it
json      JSON in it holds all that is wanted: more members, more items and another order of items are no matter
judge     a model says so (``judge``)
========  ====================================================================================================
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from open_llm_proxy.agent.jsonvalues import as_list, as_object

Kind = Literal["exact", "numeric", "regex", "json", "judge"]
Which = Literal["any", "first", "last"]
NO_ANSWER: Final = "there is no answer"
SHOWN_NUMBERS: Final = 8

_GROUPS: Final = "[,\u00a0\u202f\u2009']"
_NUMBER: Final = re.compile(
    rf"(?<![\w.])(?P<sign>[-\u2212+]?)(?P<digits>\d{{1,3}}(?:{_GROUPS}\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?P<exponent>[eE][+-]?\d+)?(?:\s*(?P<scale>thousand|million|billion|trillion)\b)?",
    re.IGNORECASE,
)
_SCALES: Final = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}


@dataclass(frozen=True)
class Gold:
    """What a right answer is.

    Attributes:
        wanted: A text or a tuple of texts (exact), a number, an expression, a JSON value, or what the judge is told.
        tolerance: Of numbers, absolute. ``relative``: as a share of the wanted number. The larger one counts.
        which: Which of an answer's numbers may be the one.
        ignore_case: Of exact texts and expressions.
    """

    kind: Kind
    wanted: Any
    tolerance: float = 0.0
    relative: float = 0.0
    which: Which = "any"
    ignore_case: bool = False

    @property
    def text(self) -> str:
        """What is wanted, in a line."""
        if self.kind == "numeric":
            slack = f" ± {self.tolerance:g}" if self.tolerance else ""
            return f"{self.wanted:g}{slack}" + (f" ± {self.relative:.4g} of it" if self.relative else "")
        if self.kind == "exact":
            return " or ".join(self.wanted)
        return json.dumps(self.wanted, ensure_ascii=False) if self.kind == "json" else str(self.wanted)


@dataclass(frozen=True)
class Verdict:
    """Whether an answer passed, and why."""

    passed: bool
    reason: str


def grade(gold: Gold, answer: str | None) -> Verdict:
    """Compare an answer with a gold of any kind but ``judge``."""
    if not answer:
        return Verdict(passed=False, reason=NO_ANSWER)
    graders = {"exact": _grade_exact, "numeric": _grade_numeric, "regex": _grade_regex, "json": _grade_json}
    return graders[gold.kind](gold, answer)


def compile_regex(text: str, *, ignore_case: bool = False) -> "re.Pattern[str]":
    """An expression as golds have it: ``.`` takes any character, ``^`` and ``$`` stand at lines.

    Raises:
        re.error: It is none.
    """
    return re.compile(text, re.MULTILINE | re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def numbers_in(text: str) -> list[tuple[float, ...]]:
    """The numbers of a text in order, each with its other reading: ``1.2 million`` is 1.2 and 1,200,000."""
    found: list[tuple[float, ...]] = []
    for match in _NUMBER.finditer(text):
        plain = float(re.sub(_GROUPS, "", match["digits"]) + (match["exponent"] or ""))
        value = -plain if match["sign"] in {"-", "\u2212"} else plain
        scale = _SCALES.get((match["scale"] or "").lower())
        found.append((value,) if scale is None else (value, value * scale))
    return found


def json_in(text: str) -> Iterator[Any]:
    """The JSON values in a text: the whole, else each object or list that stands in it."""
    try:
        yield json.loads(text)
    except (ValueError, RecursionError):
        decoder, place = json.JSONDecoder(), 0
        while (match := re.compile(r"[\[{]").search(text, place)) is not None:
            try:
                value, place = decoder.raw_decode(text, match.start())
            except (ValueError, RecursionError):
                place = match.start() + 1
            else:
                yield value


def holds(found: Any, wanted: Any, gold: Gold) -> bool:
    """Whether ``found`` has all of ``wanted``; numbers within the gold's tolerance are the same."""
    if isinstance(wanted, dict):
        members = as_object(found)
        return isinstance(found, dict) and all(
            key in members and holds(members[key], value, gold) for key, value in cast("dict[str, Any]", wanted).items()
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and _holds_items(as_list(found), as_list(wanted), gold)
    if _is_number(wanted) and _is_number(found):
        return _is_near(float(found), float(wanted), gold)
    return type(found) is type(wanted) and found == wanted


def _holds_items(found: list[Any], wanted: list[Any], gold: Gold) -> bool:
    """Whether each wanted item has one of its own: a matching (Kuhn's algorithm), as one item may fit several."""
    taken: dict[int, int] = {}

    def place(index: int, tried: set[int]) -> bool:
        for at, item in enumerate(found):
            if at in tried or not holds(item, wanted[index], gold):
                continue
            tried.add(at)
            if at not in taken or place(taken[at], tried):
                taken[at] = index
                return True
        return False

    return all(place(index, set()) for index in range(len(wanted)))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_near(found: float, wanted: float, gold: Gold) -> bool:
    slack = max(gold.tolerance, gold.relative * abs(wanted))
    return abs(found - wanted) <= slack or math.isclose(found, wanted, rel_tol=1e-9)


def _grade_exact(gold: Gold, answer: str) -> Verdict:
    def plain(text: str) -> str:
        return text.strip().casefold() if gold.ignore_case else text.strip()

    passed = plain(answer) in {plain(text) for text in gold.wanted}
    return Verdict(passed, "it is the text" if passed else f"it is not {gold.text!r}")


def _grade_numeric(gold: Gold, answer: str) -> Verdict:
    found = numbers_in(answer)
    if not found:
        return Verdict(passed=False, reason="there is no number in it")
    candidates = {"any": found, "first": found[:1], "last": found[-1:]}[gold.which]
    for readings in candidates:
        for value in readings:
            if _is_near(value, float(gold.wanted), gold):
                return Verdict(passed=True, reason=f"{value:.12g} is {gold.text}")
    shown = ", ".join(f"{readings[-1]:.12g}" for readings in candidates[:SHOWN_NUMBERS])
    return Verdict(passed=False, reason=f"none of its numbers ({shown}) is {gold.text}")


def _grade_regex(gold: Gold, answer: str) -> Verdict:
    match = compile_regex(gold.wanted, ignore_case=gold.ignore_case).search(answer)
    if match is None:
        return Verdict(passed=False, reason=f"/{gold.wanted}/ is not in it")
    return Verdict(passed=True, reason=f"/{gold.wanted}/ is in it: {match[0][:80]!r}")


def _grade_json(gold: Gold, answer: str) -> Verdict:
    values = list(json_in(answer))
    if any(holds(value, gold.wanted, gold) for value in values):
        return Verdict(passed=True, reason="its JSON holds all that is wanted")
    return Verdict(passed=False, reason="its JSON lacks what is wanted" if values else "there is no JSON in it")
