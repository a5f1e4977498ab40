"""A report as Markdown: the tables, and each answer below, with a link to its cell's file."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from open_llm_proxy.agent.cell_folder import CELLS
from open_llm_proxy.agent.jsonvalues import as_object, as_text
from open_llm_proxy.agent.matrix import Outcome
from open_llm_proxy.agent.report import Report, figures_of
from open_llm_proxy.agent.report_wording import (
    EXPLANATION,
    HEADS,
    LEGEND,
    say_group,
    say_mark,
    say_summary,
    say_versions,
)
from open_llm_proxy.logs.export.wording import clean, say_cost, say_count, say_duration

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>|#~])")
ESCAPED: Final = r"\\\1"


def render(report: Report) -> str:
    """The report's text."""
    return "\n".join(
        (
            f"# {_plain(report.plan.name)}",
            "",
            say_summary(report),
            "",
            *_table(HEADS, (say_group(group) for group in report.groups)),
            "",
            EXPLANATION,
            "",
            "## Questions",
            "",
            *_grid(report),
            "",
            f"{LEGEND}. Each mark leads to its answer.",
            "",
            "## Versions",
            "",
            *(f"- {_plain(name)}: {_plain(text)}" for name, text in say_versions(report.versions)),
            *_left_over(report),
            "",
            "## Answers",
            *(line for outcome in report.outcomes for line in _answer(outcome)),
            "",
        )
    )


def _grid(report: Report) -> list[str]:
    rows = (
        [
            _plain(question.name),
            *(
                " ".join(f"[{say_mark(one)}](#{anchor(one)})" for one in report.row(question.name, group))
                for group in report.groups
            ),
        ]
        for question in report.plan.questions
    )
    return _table(["question", *(_plain(group.name) for group in report.groups)], rows)


def anchor(outcome: Outcome) -> str:
    """An answer's place on the page."""
    return f"cell-{outcome.cell.name.replace('.', '-')}".lower()


def _left_over(report: Report) -> list[str]:
    if not report.left_over:
        return []
    return ["", f"Not in the plan any more, and not counted: {', '.join(map(_plain, report.left_over))}."]


def _answer(outcome: Outcome) -> list[str]:
    saved, cell = outcome.saved, outcome.cell
    lines = ["", f'### <a id="{anchor(outcome)}"></a>{say_mark(outcome)} {_plain(cell.name)}', ""]
    for question in cell.question.asks:
        lines += [*_quoted(question), ""]
    if answer := as_text(saved.get("answer")):
        lines += [*_fenced(answer), ""]
    if outcome.problem:
        lines += [f"**{_plain(outcome.problem)}**", ""]
    given = as_object(saved.get("verdict"))
    if given and not outcome.problem:
        gold = f"gold answer, {given.get('kind')}: {_plain(as_text(given.get('wanted')))}"
        lines += [f"{_plain(as_text(given.get('reason')))} ({gold})", ""]
    if saved:
        used = figures_of(saved)
        figures = f"{used.turns} turns, {used.tool_calls} tool calls, {say_count(used.prompt_tokens)} \u2192 "
        figures += f"{say_count(used.completion_tokens)} tokens, {say_cost(used.cost)}, {say_duration(used.model_ms)}"
        lines.append(
            f"{figures}. [The whole session]({CELLS}/{cell.name}.json), "
            f"`{as_text(saved.get('session_id'))}` in the records."
        )
    return lines


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [list(heads), ["---"] * len(heads), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _plain(text: str) -> str:
    return _SPECIAL.sub(ESCAPED, " ".join(clean(text).split()))


def _quoted(text: str) -> list[str]:
    return [f"> {_SPECIAL.sub(ESCAPED, line)}" for line in clean(text).splitlines()]


def _fenced(text: str) -> list[str]:
    text = clean(text)
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}text", *text.splitlines(), fence]
