"""A report's figures and heads as people read them: in the terminal, in Markdown and on the page alike."""

from typing import Final

from open_llm_proxy.agent.interval import Share
from open_llm_proxy.agent.matrix import Outcome
from open_llm_proxy.agent.report import Group, Report, Versions
from open_llm_proxy.logs.export.wording import say_cost, say_count, say_duration

HEADS: Final = ("model", "prompt", "passed", "95 %", "run", "turns", "tools", "tokens", "cost", "model time", "in all")
EXPLANATION: Final = "Tokens are in and out, times medians, the rest but cost means; the interval is Wilson's."
SHORT_HASH: Final = 12
PASSED: Final = "\u2713"
FAILED: Final = "\u2717"
UNGRADED: Final = "\u00b7"
NOT_RUN: Final = "!"
LEGEND: Final = f"{PASSED} passed, {FAILED} failed, {UNGRADED} no gold answer, {NOT_RUN} not run or not judged"


def say_group(group: Group) -> list[str]:
    """A group's row, under ``HEADS``. Tokens are in and out; times are medians, the rest but cost means."""
    tokens = f"{say_count(group.prompt_tokens)} \u2192 {say_count(group.completion_tokens)}" if group.ran else "-"
    return [
        group.model,
        group.prompt,
        say_share(group.passed),
        say_interval(group.passed),
        f"{group.ran}/{group.cells}",
        _say_mean(group.turns),
        _say_mean(group.tool_calls),
        tokens,
        say_cost(group.cost),
        say_duration(group.model_ms),
        say_duration(group.wall_ms),
    ]


def say_share(share: Share) -> str:
    """How many of how many, and the share."""
    return "-" if share.rate is None else f"{share.passed}/{share.counted} {share.rate:.0%}"


def say_interval(share: Share) -> str:
    """The confidence interval."""
    return "-" if share.rate is None else f"{share.low:.0%}-{share.high:.0%}"


def say_mark(outcome: Outcome) -> str:
    """An outcome in one character (``LEGEND``)."""
    if not outcome.is_complete:
        return NOT_RUN
    return {True: PASSED, False: FAILED, None: UNGRADED}[outcome.passed]


def say_versions(versions: Versions) -> list[tuple[str, str]]:
    """What produced the answers, a name and a text a line."""
    rows = [
        ("proxy", ", ".join(f"open-llm-proxy {version}" for version in versions.proxy) or "unknown"),
        ("runner", ", ".join(versions.runner)),
        *((f"model {name}", ", ".join(seen) or "not named by its provider") for name, seen in versions.models.items()),
        *((f"prompt {name}", _hashes(seen) or "none") for name, seen in versions.prompts.items()),
        ("tool list", _hashes(versions.tools) or "none"),
        ("MCP servers", ", ".join(versions.servers)),
        ("judge", ", ".join(versions.judges)),
    ]
    return [(name, text) for name, text in rows if text]


def say_summary(report: Report) -> str:
    """The whole in a line."""
    parts = [f"{sum(one.ran for one in report.outcomes)} of {len(report.outcomes)} cells run"]
    if report.passed.counted:
        parts.append(f"{say_share(report.passed)} passed ({say_interval(report.passed)})")
    if report.cost is not None:
        parts.append(say_cost(report.cost))
    if report.judge_cost is not None:
        parts.append(f"judge {say_cost(report.judge_cost)}")
    return " \u00b7 ".join(parts)


def _hashes(seen: list[str]) -> str:
    return ", ".join(f"sha256 {one[:SHORT_HASH]}" for one in seen)


def _say_mean(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
