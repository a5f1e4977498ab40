"""A run over all that is to be done: a job that fails does not stop the others, and its source stays."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from open_llm_proxy.errors import OpenLlmProxyError
from open_llm_proxy.logs.condense.day import condense_day
from open_llm_proxy.logs.condense.month import condense_month
from open_llm_proxy.logs.condense.plan import ALONE, Job, Plan, Selection, Shard, day_after, make_plan
from open_llm_proxy.logs.condense.press import DAILY_LEVEL, MONTHLY_LEVEL, Press
from open_llm_proxy.logs.condense.site import Done, Site, digest, key_of
from open_llm_proxy.logs.condense.workshop import open_workshop
from open_llm_proxy.logs.holdings import Holdings, month_of
from open_llm_proxy.logs.stored import Source, Stored

TRIES: Final = 3
"""Another run may take files away (having put what holds their records in place); then a job looks again."""


class Failed(NamedTuple):
    """A day or month that is not done, and why."""

    period: str
    why: str


class Step(NamedTuple):
    """Something that a run tells: a job begins, is done (``done``), or has failed (``failed``)."""

    number: int
    of: int
    period: str
    state: Literal["begun", "done", "failed"]
    elapsed_s: float = 0
    done: Done | None = None
    failed: Failed | None = None


class Report(NamedTuple):
    """What a run came to. ``waiting``: months that are complete, of which a day is not done yet."""

    done: list[Done]
    failed: list[Failed]
    waiting: list[str]


def preview(source: Source, selection: Selection, shard: Shard = ALONE, *, keep_raw: bool = False) -> Plan:
    """What ``condense`` would do."""
    with open_workshop() as folder:
        return plan_run(source, selection, shard, keep_raw=keep_raw, folder=folder)


def plan_run(source: Source, selection: Selection, shard: Shard, *, keep_raw: bool, folder: Path) -> Plan:
    """The plan for what the source holds now; ``folder`` is one to work in."""
    holdings = Holdings(source.list())
    if not keep_raw:
        return make_plan(holdings, selection, shard)
    with Press(source, folder) as press:
        return make_plan(holdings, selection, shard, is_done=lambda period: _is_condensed(press, holdings, period))


def _is_condensed(press: Press, holdings: Holdings, period: str) -> bool:
    """Whether a day's or month's sessions were made when its raw chunk files were as they are."""
    tier = "daily" if len(period) == len("2026-11-25") else "monthly"
    if holdings.tier("session-rollup", tier, period) is None:
        return False
    raw: list[Stored] = [
        file for day, files in holdings.raw.items() if period in (day, month_of(day)) for file in files
    ]
    return press.note_of(key_of("session-rollup", period)) == digest(raw)


def condense(
    source: Source,
    selection: Selection,
    shard: Shard = ALONE,
    *,
    keep_raw: bool = False,
    watch: Callable[[Step], None] = lambda _: None,
    temporary: Path | None = None,
) -> Report:
    """Do what is to be done, days before months.

    Args:
        source: Read and written.
        selection: Which days and months.
        shard: This run's part of them.
        keep_raw: Leave raw chunk files where they are.
        watch: Told of each job.
        temporary: Where to work; None: ``$TMPDIR``.

    Raises:
        UserError: The source cannot be listed, or there is no room to work.
    """
    with open_workshop(temporary) as folder:
        plan = plan_run(source, selection, shard, keep_raw=keep_raw, folder=folder)
        site = Site(source, folder, keep_raw=keep_raw)
        report = Report([], [], list(plan.waiting))
        for number, job in enumerate(plan.jobs, 1):
            failed = {month_of(one.period) for one in report.failed}
            if job.is_month and job.period in failed:
                report.waiting.append(job.period)
                continue
            watch(Step(number, len(plan.jobs), job.period, "begun"))
            began = time.monotonic()
            outcome = _do(site, job, plan.jobs)
            elapsed_s = time.monotonic() - began
            if isinstance(outcome, Done):
                report.done.append(outcome)
                watch(Step(number, len(plan.jobs), job.period, "done", elapsed_s, done=outcome))
            else:
                report.failed.append(outcome)
                watch(Step(number, len(plan.jobs), job.period, "failed", elapsed_s, failed=outcome))
        return report


def _do(site: Site, job: Job, jobs: Sequence[Job]) -> Done | Failed:
    later = {one.period for one in jobs}
    why = ""
    for _ in range(TRIES):
        try:
            level = MONTHLY_LEVEL if job.is_month else DAILY_LEVEL
            with Press(site.source, site.folder, level=level) as press:
                if job.is_month:
                    return condense_month(site, press, job.period, job.late)
                return condense_day(site, press, job.period, ahead=day_after(job.period) not in later)
        except FileNotFoundError as error:
            why = str(error)
        except (OpenLlmProxyError, OSError) as error:
            return Failed(job.period, str(error))
    return Failed(job.period, f"somebody else takes files away meanwhile: {why}")
