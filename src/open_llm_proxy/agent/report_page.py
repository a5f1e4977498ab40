"""A report as one HTML page: nothing is loaded, no script runs; each mark leads to its answer."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any, Final

from open_llm_proxy.agent.cell_folder import CELLS
from open_llm_proxy.agent.interval import Share
from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object, as_text
from open_llm_proxy.agent.matrix import Outcome
from open_llm_proxy.agent.report import Report, figures_of
from open_llm_proxy.agent.report_markdown import anchor
from open_llm_proxy.agent.report_wording import (
    EXPLANATION,
    HEADS,
    LEGEND,
    say_group,
    say_mark,
    say_summary,
    say_versions,
)
from open_llm_proxy.logs.export.arguments import read_arguments
from open_llm_proxy.logs.export.page import render_page
from open_llm_proxy.logs.export.sql_markup import mark_sql
from open_llm_proxy.logs.export.wording import clean, say_cost, say_count, say_duration

RESULT_CHARACTERS: Final = 20_000
_STYLE: Final = """
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
th { font-weight: 600; color: var(--soft); font-size: .8rem; }
.bar { position: relative; width: 10rem; height: .8rem; background: var(--tint); border-radius: 4px; }
.bar i, .bar b { position: absolute; top: 0; height: 100%; border-radius: 4px; }
.bar i { background: var(--c3); opacity: .35; } .bar b { width: 3px; background: var(--c3); }
.mark { display: inline-block; min-width: 1.6rem; text-align: center; text-decoration: none; border-radius: 5px;
  padding: 0 .3rem; background: var(--tint); color: var(--soft); }
.mark.yes { color: var(--answer); } .mark.no { color: var(--bad); background: var(--badtint); }
article { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: .7rem 1rem; margin: 1rem 0; }
article:target { outline: 2px solid var(--c1); }
article h3 { font-size: 1rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
.asked { color: var(--user); white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; }
.answer { white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; }
.small { color: var(--soft); font-size: .85rem; margin: .4rem 0; overflow-wrap: anywhere; }
.bad { color: var(--bad); } details { margin: .4rem 0; }
summary { cursor: pointer; color: var(--soft); font-size: .85rem; }
details pre { background: var(--tint); border-radius: 6px; padding: .5rem .7rem; margin: .3rem 0; }
.sql-word { color: var(--word); font-weight: 600; } .sql-string { color: var(--string); }
.sql-number { color: var(--number); } .sql-comment { color: var(--soft); font-style: italic; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
"""


def render(report: Report) -> str:
    """The page's text."""
    name = clean(report.plan.name)
    left_over = f"Not in the plan any more, and not counted: {', '.join(report.left_over)}." if report.left_over else ""
    parts = [
        f"<h1>{escape(name)}</h1>",
        f"<p>{escape(say_summary(report))}</p>",
        _table([*HEADS, ""], ([*map(_text, say_group(one)), _bar(one.passed)] for one in report.groups)),
        f'<p class="small">{escape(EXPLANATION)}</p>',
        "<h2>Questions</h2>",
        _grid(report),
        f'<p class="small">{escape(LEGEND)}. Each mark leads to its answer.</p>',
        "<h2>Versions</h2>",
        "<dl>"
        + "".join(f"<dt>{_text(head)}</dt><dd>{_text(text)}</dd>" for head, text in say_versions(report.versions)),
        "</dl>",
        f'<p class="small">{_text(left_over)}</p>' if left_over else "",
        "<h2>Answers</h2>",
        *map(_article, report.outcomes),
    ]
    return render_page(f"{name}: {say_summary(report)}", _STYLE, "\n".join(filter(None, parts)))


def _grid(report: Report) -> str:
    rows = (
        [_text(question.name), *("".join(map(_mark, report.row(question.name, group))) for group in report.groups)]
        for question in report.plan.questions
    )
    return _table(["question", *(group.name for group in report.groups)], rows)


def _mark(outcome: Outcome) -> str:
    kind = {True: " yes", False: " no", None: ""}[outcome.passed] if outcome.is_complete else " no"
    name = escape(outcome.cell.name)
    return f'<a class="mark{kind}" href="#{anchor(outcome)}" title="{name}">{say_mark(outcome)}</a>'


def _bar(share: Share) -> str:
    if share.rate is None:
        return ""
    width = max(1.0, (share.high - share.low) * 100)
    interval = f'<i style="left:{share.low * 100:.1f}%;width:{width:.1f}%"></i>'
    return f'<div class="bar">{interval}<b style="left:calc({share.rate * 100:.1f}% - 1px)"></b></div>'


def _article(outcome: Outcome) -> str:
    saved, cell = outcome.saved, outcome.cell
    parts = [f'<article id="{anchor(outcome)}">', f"<h3>{_mark(outcome)} {escape(cell.name)}</h3>"]
    parts += [f'<div class="asked">{_text(ask)}</div>' for ask in cell.question.asks]
    if answer := as_text(saved.get("answer")):
        parts.append(f'<div class="answer">{_text(answer)}</div>')
    if outcome.problem:
        parts.append(f'<p class="small bad">{_text(outcome.problem)}</p>')
    parts += [*_verdict(outcome), *_session(saved)]
    if saved:
        file = f'<a href="{CELLS}/{escape(cell.name)}.json">transcript</a>'
        parts.append(f'<p class="small">{_say_figures(saved)} \u00b7 {file}</p>')
    return "\n".join([*parts, "</article>"])


def _verdict(outcome: Outcome) -> Iterator[str]:
    given = as_object(outcome.saved.get("verdict"))
    if not given or outcome.problem:
        return
    judge = as_object(given.get("judge"))
    by = f" \u00b7 judged by {as_text(judge.get('upstream_model')) or as_text(judge.get('model'))}" if judge else ""
    gold = f"gold answer, {as_text(given.get('kind'))}: {as_text(given.get('wanted'))}"
    yield f'<p class="small">{_text(as_text(given.get("reason")))} ({_text(gold)}){_text(by)}</p>'


def _session(saved: Object) -> Iterator[str]:
    """The turns with their tool calls, folded."""
    turns = [as_object(turn) for turn in as_list(saved.get("turns"))]
    calls = [(turn, as_object(call)) for turn in turns for call in as_list(turn.get("tool_calls"))]
    if not calls:
        return
    many = f"{len(calls)} tool call" + ("s" if len(calls) > 1 else "")
    yield f"<details><summary>{many} in {len(turns)} turns</summary>"
    for turn, call in calls:
        result = as_object(call.get("result"))
        yield f'<p class="small">[{turn.get("number")}] {_text(as_text(call.get("name")))}</p>'
        yield "".join(_argument(one) for one in read_arguments(as_text(call.get("arguments"))))
        kind = ' class="bad"' if result.get("is_error") else ""
        yield f"<pre{kind}>{_text(as_text(result.get('content'))[:RESULT_CHARACTERS])}</pre>"
    yield "</details>"


def _argument(argument: Any) -> str:
    marked = mark_sql(clean(argument.text)) if argument.language == "sql" else _text(argument.text)
    return f"<pre>{_text(argument.name)}{': ' if argument.name else ''}{marked}</pre>"


def _say_figures(saved: Object) -> str:
    used = figures_of(saved)
    tokens = f"{say_count(used.prompt_tokens)} \u2192 {say_count(used.completion_tokens)} tokens"
    parts = [f"{used.turns} turns", tokens, say_cost(used.cost), say_duration(used.model_ms)]
    return _text(" \u00b7 ".join([*parts, f"session {as_text(saved.get('session_id'))}"]))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the rows are HTML."""
    head = "".join(f"<th>{_text(one)}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _text(text: str) -> str:
    return escape(clean(text))
