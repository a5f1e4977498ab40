"""What a plan's cells say together: of each model with each prompt the share that passed, turns, tokens, cost, time."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from open_llm_proxy.agent.cell import Cell
from open_llm_proxy.agent.interval import Share, share
from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object, as_text
from open_llm_proxy.agent.matrix import Outcome
from open_llm_proxy.agent.plan import Plan


@dataclass(frozen=True)
class Figures:
    """What one cell's session used.

    Attributes:
        model_ms: All answers of the model together.
        wall_ms: From its beginning to its end, tools included; None: it has no end.
        cost: US dollars; None: no provider named one.
    """

    turns: int
    tool_calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    model_ms: int
    wall_ms: float | None


@dataclass(frozen=True)
class Group:
    """A model with a prompt, over all questions and repeats; means are over the cells that were run.

    Attributes:
        passed: Of the cells that have a gold answer and were run.
        cost: Of all cells together. ``model_ms``, ``wall_ms``: medians.
    """

    model: str
    prompt: str
    cells: int
    ran: int
    passed: Share
    turns: float | None
    tool_calls: float | None
    prompt_tokens: float | None
    completion_tokens: float | None
    cost: float | None
    model_ms: float | None
    wall_ms: float | None

    @property
    def name(self) -> str:
        """Both, as a column's head."""
        return f"{self.model} / {self.prompt}"


@dataclass(frozen=True)
class Versions:
    """What produced the answers: each all that were seen."""

    proxy: list[str]
    runner: list[str]
    models: dict[str, list[str]]
    prompts: dict[str, list[str]]
    tools: list[str]
    servers: list[str]
    judges: list[str]


@dataclass(frozen=True)
class Report:
    """A plan's outcomes, ready to be shown. ``left_over``: cells in the folder that are not in the plan (any more)."""

    plan: Plan
    outcomes: Sequence[Outcome]
    groups: Sequence[Group]
    versions: Versions
    left_over: Sequence[str] = ()

    @property
    def passed(self) -> Share:
        """Over all."""
        return _share(self.outcomes)

    @property
    def incomplete(self) -> list[Outcome]:
        """The cells that could not be run, or not be judged."""
        return [outcome for outcome in self.outcomes if not outcome.is_complete]

    @property
    def cost(self) -> float | None:
        """Of all sessions, without the judge's calls."""
        return _sum_known(figures_of(outcome.saved).cost for outcome in self.outcomes)

    @property
    def judge_cost(self) -> float | None:
        """Of the judge's calls."""
        return _sum_known(_judge(outcome.saved).get("cost") for outcome in self.outcomes)

    def row(self, question: str, group: Group) -> list[Outcome]:
        """The repeats of a question in a group."""
        return [one for one in self.outcomes if one.cell.question.name == question and _is_of(one.cell, group)]


def make_report(plan: Plan, outcomes: Sequence[Outcome], left_over: Sequence[str] = ()) -> Report:
    """The report on a plan's outcomes."""
    groups = [_group(choice.name, prompt.name, outcomes) for choice in plan.choices for prompt in plan.prompts]
    return Report(plan, outcomes, groups, _versions(outcomes), left_over)


def figures_of(saved: Object) -> Figures:
    """What a cell's session used, from its file."""
    turns = [as_object(turn) for turn in as_list(saved.get("turns"))]
    usage = as_object(saved.get("usage"))
    cost = usage.get("cost")
    return Figures(
        turns=len(turns),
        tool_calls=sum(len(as_list(turn.get("tool_calls"))) for turn in turns),
        prompt_tokens=_whole(usage.get("prompt_tokens")),
        completion_tokens=_whole(usage.get("completion_tokens")),
        cost=float(cost) if isinstance(cost, int | float) else None,
        model_ms=sum(_whole(turn.get("latency_ms")) for turn in turns),
        wall_ms=_ms_between(saved.get("started_at"), saved.get("finished_at")),
    )


def _group(model: str, prompt: str, outcomes: Sequence[Outcome]) -> Group:
    own = [one for one in outcomes if (one.cell.choice.name, one.cell.prompt.name) == (model, prompt)]
    figures = [figures_of(one.saved) for one in own if one.ran]
    walls = [one.wall_ms for one in figures if one.wall_ms is not None]
    return Group(
        model=model,
        prompt=prompt,
        cells=len(own),
        ran=len(figures),
        passed=_share(own),
        turns=_mean(one.turns for one in figures),
        tool_calls=_mean(one.tool_calls for one in figures),
        prompt_tokens=_mean(one.prompt_tokens for one in figures),
        completion_tokens=_mean(one.completion_tokens for one in figures),
        cost=_sum_known(one.cost for one in figures),
        model_ms=statistics.median(one.model_ms for one in figures) if figures else None,
        wall_ms=statistics.median(walls) if walls else None,
    )


def _versions(outcomes: Sequence[Outcome]) -> Versions:
    ran = [one for one in outcomes if one.ran]
    models: dict[str, list[str]] = {}
    prompts: dict[str, list[str]] = {}
    for one in ran:
        turns = [as_object(turn) for turn in as_list(one.saved.get("turns"))]
        _note(models, one.cell.choice.name, (as_text(turn.get("upstream_model")) for turn in turns))
        _note(prompts, one.cell.prompt.name, [as_text(one.saved.get("system_sha256"))])
    servers = [as_object(server) for one in ran for server in as_list(one.saved.get("servers"))]
    return Versions(
        proxy=_distinct(as_object(one.saved.get("cell")).get("proxy_version") for one in ran),
        runner=_distinct(one.saved.get("client") for one in ran),
        models=models,
        prompts=prompts,
        tools=_distinct(one.saved.get("tools_sha256") for one in ran),
        servers=_distinct(f"{as_text(one.get('name'))} {as_text(one.get('version'))}".strip() for one in servers),
        judges=_distinct(
            judge.get("upstream_model") or judge.get("model") for judge in (_judge(one.saved) for one in ran)
        ),
    )


def _note(known: dict[str, list[str]], name: str, more: Iterable[str]) -> None:
    known[name] = _distinct([*known.get(name, ()), *more])


def _distinct(values: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(text for value in values if (text := as_text(value))))


def _judge(saved: Object) -> Object:
    return as_object(as_object(saved.get("verdict")).get("judge"))


def _share(outcomes: Iterable[Outcome]) -> Share:
    passed = [one.passed for one in outcomes if one.passed is not None]
    return share(sum(passed), len(passed))


def _is_of(cell: Cell, group: Group) -> bool:
    return (cell.choice.name, cell.prompt.name) == (group.model, group.prompt)


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.fmean(found) if found else None


def _sum_known(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return sum(found) if found else None


def _ms_between(start: Any, end: Any) -> float | None:
    try:
        return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000
    except (TypeError, ValueError):
        return None


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0
