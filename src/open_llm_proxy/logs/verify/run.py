"""``logs verify``: every check over every day and month of a window."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from open_llm_proxy.logs.condense.figures import CondenseError
from open_llm_proxy.logs.condense.press import Press
from open_llm_proxy.logs.condense.site import Site
from open_llm_proxy.logs.condense.workshop import open_workshop
from open_llm_proxy.logs.holdings import Holdings
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.verify.checks import check_columns, check_doubles, check_pairs, check_tables, check_torn_lines
from open_llm_proxy.logs.verify.drift import Types, check_drift
from open_llm_proxy.logs.verify.secrets import check_secrets
from open_llm_proxy.logs.verify.unit import Finding, Unit, find_units
from open_llm_proxy.logs.window import Window, days
from open_llm_proxy.records.scrub import Scrubber

SETTLES: Final = timedelta(minutes=30)
"""After so long a call is over (20 minutes between bytes) and its records are stored (5 minutes between chunks)."""


class Verified(NamedTuple):
    """What was looked at, and what is wrong with it."""

    periods: list[str]
    files: int
    findings: list[Finding]


def verify(
    source: Source,
    window: Window,
    scrubber: Scrubber,
    now: datetime,
    *,
    watch: Callable[[str], None] = lambda _: None,
) -> Verified:
    """Check the days and months of a window.

    Args:
        source: Read only.
        window: Its days, each as a whole; a month that it touches, as a whole.
        scrubber: What must not be in records.
        now: The present: calls of the last half hour may lack their answer.
        watch: Told of each day and month before it is looked at.

    Raises:
        UserError: The source cannot be read.
    """
    first, last = (None if day is None else day.isoformat() for day in days(window))
    units = list(find_units(Holdings(source.list()), first, last))
    findings: list[Finding] = []
    with open_workshop() as folder:
        site, seen, settled = Site(source, folder), Types(), now.astimezone(UTC) - SETTLES
        for unit in units:
            watch(unit.period)
            with Press(source, folder) as press:
                findings += _check(site, press, unit, seen=seen, scrubber=scrubber, settled=settled)
    files = sum(len(unit.raw) + len(unit.tables) for unit in units)
    return Verified([unit.period for unit in units], files, findings)


def _check(
    site: Site, press: Press, unit: Unit, *, seen: Types, scrubber: Scrubber, settled: datetime
) -> Iterator[Finding]:
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: check_torn_lines(press, unit),
        lambda: check_columns(press, unit),
        lambda: check_tables(press, unit),
    )
    if unit.raw or "consolidated" in unit.tables:
        checks += (
            lambda: check_pairs(site, press, unit, settled),
            lambda: check_doubles(press, unit),
            lambda: check_drift(press, unit, seen),
            lambda: check_secrets(press, unit, scrubber),
        )
    for check in checks:
        try:
            yield from check()
        except (CondenseError, FileNotFoundError) as error:
            yield Finding("tables", unit.period, 1, f"cannot be read: {error}")
            return
