"""Figures of many calls: how many, what failed, what they used and cost, how long they took."""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

import duckdb
import msgspec

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.query import answering
from open_llm_proxy.logs.statements import statement
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.views import create_views
from open_llm_proxy.logs.window import Window

By = Literal["day", "app", "model", "provider"]

GROUPS: Final[tuple[By, ...]] = ("day", "app", "model", "provider")
HOURLY: Final = timedelta(hours=49)
"""Up to this span, time is cut into hours; beyond, into days."""

_KEYS: Final = {
    "all": "'all'",
    "hour": "strftime(request_ts, '%Y-%m-%d %H:00')",
    "day": "strftime(request_ts, '%Y-%m-%d')",
    "app": "app",
    "model": "model",
    "provider": "provider",
}


def parse_by(text: str) -> By:
    """What ``--by`` names.

    Raises:
        UserError: It is none of ``GROUPS``.
    """
    found: By | None = next((name for name in GROUPS if name == text), None)
    if found is None:
        raise UserError(f"--by takes {', '.join(GROUPS)}, not {text!r}")
    return found


class Percentiles(msgspec.Struct, frozen=True):
    """In milliseconds; None where no call has the figure."""

    p50: float | None = None
    p90: float | None = None
    p99: float | None = None


class Figures(msgspec.Struct, frozen=True):
    """Of the calls that have ``name`` in common. ``errors`` are those that failed, by kind in ``kinds``.

    Sums are None where no call has the figure; ``latency`` and ``ttft`` (to the first byte) are in milliseconds.
    """

    name: str
    calls: int = 0
    sessions: int = 0
    errors: int = 0
    unanswered: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None
    latency: Percentiles = Percentiles()
    ttft: Percentiles = Percentiles()
    kinds: dict[str, int] = {}


class Stats(NamedTuple):
    """``total`` is over all; ``times`` has a row an hour or day, those without a call among them."""

    total: Figures
    times: list[Figures]
    groups: dict[By, list[Figures]]
    window: Window


def gather_stats(sources: Sequence[Source], window: Window) -> Stats:
    """The figures of the calls in ``window``.

    Raises:
        UserError: A source cannot be read.
    """
    connection = connect(sources)
    create_views(connection, sources, window, ["turns"])
    with contextlib.closing(connection), answering(connection):
        connection.execute(statement("stats_calls", turns="turns"))
        total = next(iter(_gather(connection, "all", "name")), Figures("all"))
        groups: dict[By, list[Figures]] = {
            by: _gather(connection, by, "name" if by == "day" else "calls DESC, name") for by in GROUPS
        }
        times = _over_time(connection, groups["day"]) if total.calls else []
    return Stats(total, times, groups, window)


def _gather(connection: duckdb.DuckDBPyConnection, key: str, order: str) -> list[Figures]:
    rows = connection.execute(statement("stats_group", key=_KEYS[key], order=order)).fetchall()
    kinds: dict[str, dict[str, int]] = {}
    for name, kind, calls in connection.execute(statement("stats_errors", key=_KEYS[key])).fetchall():
        kinds.setdefault(name, {})[kind] = calls
    return [_figures(row, kinds.get(row[0], {})) for row in rows]


def _over_time(connection: duckdb.DuckDBPyConnection, days: list[Figures]) -> list[Figures]:
    [span_us] = connection.execute(statement("stats_span")).fetchall()
    first, last = (datetime.fromtimestamp(at_us / 1e6, UTC) for at_us in span_us)
    hourly = last - first <= HOURLY
    return _fill(_gather(connection, "hour", "name") if hourly else days, first, last, hourly=hourly)


def _fill(found: list[Figures], first: datetime, last: datetime, *, hourly: bool) -> list[Figures]:
    """The hours or days from the first to the last call, those without a call among them."""
    by_name = {figures.name: figures for figures in found}
    step, form = (timedelta(hours=1), "%Y-%m-%d %H:00") if hourly else (timedelta(days=1), "%Y-%m-%d")
    at = first.replace(minute=0, second=0, microsecond=0)
    at = at if hourly else at.replace(hour=0)
    times: list[Figures] = []
    while at <= last:
        name = at.strftime(form)
        times.append(by_name.get(name, Figures(name)))
        at += step
    return times


def _figures(row: tuple[Any, ...], kinds: dict[str, int]) -> Figures:
    *counts, latency_ms, ttft_ms = row
    return Figures(*counts, latency=_percentiles(latency_ms), ttft=_percentiles(ttft_ms), kinds=kinds)


def _percentiles(values: list[float] | None) -> Percentiles:
    return Percentiles(*values) if values else Percentiles()
