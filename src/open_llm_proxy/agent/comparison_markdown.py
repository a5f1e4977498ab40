"""A comparison as Markdown."""

import re
from collections.abc import Iterator
from typing import Final

from open_llm_proxy.agent.comparison import CallPair, Comparison, QuestionPair
from open_llm_proxy.agent.comparison_wording import NO_ANSWER, say_call, say_end, say_sides
from open_llm_proxy.agent.transcript import ToolCall
from open_llm_proxy.logs.export.wording import clean

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>|#~])")
_ESCAPED: Final = r"\\\1"


def render(comparison: Comparison) -> str:
    """The whole text."""
    return "\n".join(_lines(comparison)) + "\n"


def _lines(comparison: Comparison) -> Iterator[str]:
    yield from (f"# Replay with {_plain(comparison.replay.model or '')}", "", _plain(say_end(comparison)), "")
    yield from ("| | original | replay |", "| --- | --- | --- |")
    for row in say_sides(comparison):
        yield f"| {' | '.join(map(_plain, row))} |"
    if comparison.notes:
        yield from ("", *(f"- {_plain(note)}" for note in comparison.notes))
    for number, question in enumerate(comparison.questions, 1):
        yield from _question(number, question)
    if comparison.missing:
        yield from ("", "## Calls without a recorded result", "")
        yield from (f"- {_plain(name)} {_plain(arguments)}" for name, arguments in comparison.missing)


def _question(number: int, question: QuestionPair) -> Iterator[str]:
    yield from ("", f"## Question {number}", "")
    yield from (f"> {_SPECIAL.sub(_ESCAPED, line)}" for line in clean(question.text).splitlines())
    if question.is_same_answer:
        yield from ("", "The same answer:", "", *_fenced(question.replay_answer or NO_ANSWER))
    else:
        yield from ("", "Original:", "", *_fenced(question.original_answer or NO_ANSWER))
        yield from ("", "Replay:", "", *_fenced(question.replay_answer or NO_ANSWER))
    if question.calls:
        yield from ("", "### Tool calls")
    for pair in question.calls:
        yield from _call(pair)


def _call(pair: CallPair) -> Iterator[str]:
    yield from ("", f"- {_plain(say_call(pair))}")
    if pair.difference == "changed":
        for one in pair.arguments:
            yield from ("", *(f"  {line}" for line in _fenced("\n".join(one.lines), "diff")))
    else:
        yield from ("", *(f"  {line}" for line in _fenced(_arguments(pair.replay or pair.original), "json")))


def _arguments(call: ToolCall | None) -> str:
    return call.arguments if call else ""


def _plain(text: str) -> str:
    return _SPECIAL.sub(_ESCAPED, " ".join(clean(text).split()))


def _fenced(text: str, language: str = "text") -> list[str]:
    text = clean(text)
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}{language}", *text.splitlines(), fence]
