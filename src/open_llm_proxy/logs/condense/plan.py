"""Which days and months are to be done: from what a source holds, never from a memory of earlier runs."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.holdings import TABLES, Holdings, month_of

_DAY: Final = "%Y-%m-%d"
_MONTH: Final = "%Y-%m"
FIRST_DAY: Final = date(1970, 1, 1)


class Job(NamedTuple):
    """A day (``YYYY-MM-DD``) or, after its days, a month (``YYYY-MM``).

    ``late``: the days of a closed month that have raw chunk files again.
    """

    period: str
    late: tuple[str, ...] = ()

    @property
    def is_month(self) -> bool:
        """Whether it is a month."""
        return len(self.period) == len("2026-11")


class Shard(NamedTuple):
    """One of several runs side by side: ``number`` from 0, below ``of``."""

    number: int = 0
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """``I/N``, I from 0 as Kubernetes counts (``JOB_COMPLETION_INDEX``).

        Raises:
            UserError: It is none.
        """
        index, _, count = text.partition("/")
        if index.isdecimal() and count.isdecimal() and int(index) < int(count):
            return cls(int(index), int(count))
        raise UserError(
            f"--shard {text!r} is none", "Write I/N with I from 0 to N-1, such as 0/4 (JOB_COMPLETION_INDEX/N)"
        )

    def takes(self, job: Job) -> bool:
        """Whether a job is this run's: days in turn, a month as a whole."""
        return _number(job.period) % self.of == self.number


ALONE: Final = Shard()


class Selection(NamedTuple):
    """What is asked for. ``period``: one day or month; None: all that is complete.

    ``again``: what is done already, too. ``monthly``: only months that are over, and their days.
    """

    today: str
    period: str | None = None
    again: bool = False
    monthly: bool = False

    def wants_day(self, day: str) -> bool:
        """Whether a day is to be looked at: complete, unless it was named itself."""
        if self.period is None:
            return day < (month_of(self.today) if self.monthly else self.today)
        return day == self.period or (month_of(day) == self.period and day < self.today)

    def wants_month(self, month: str) -> bool:
        """Whether a month is."""
        return month < month_of(self.today) and self.period in {None, month}


def select(
    day: str | None, month: str | None, now: datetime, *, every: bool = False, monthly: bool = False
) -> Selection:
    """What the options ask for, each as it was typed. What is named is done again if it is done.

    Raises:
        UserError: One is none, or two contradict each other.
    """
    if sum(map(bool, (day, month, every, monthly))) > 1:
        raise UserError("--date, --month, --all and --monthly each say what is done", "Give one of them")
    today = now.astimezone(UTC).date()
    named = _checked("--date", day, _DAY) or _checked("--month", month, _MONTH)
    if named is not None and named > today.isoformat():
        raise UserError(f"{named} is still to come", "Name a day or month that has begun")
    end = today + timedelta(days=1) if every else today
    return Selection(end.isoformat(), named, again=named is not None, monthly=monthly)


def _checked(option: str, text: str | None, form: str) -> str | None:
    if text is None:
        return None
    try:
        if (given := datetime.strptime(text, form).replace(tzinfo=UTC).strftime(form)) == text:
            return given
    except ValueError:
        pass  # said below
    raise UserError(f"{option} {text!r} is none", "Write 2026-11-25 for a day, 2026-11 for a month")


class Plan(NamedTuple):
    """Days first, then months. ``waiting``: complete months of which a day is another run's, or is not asked for."""

    jobs: list[Job]
    waiting: list[str]


def make_plan(
    holdings: Holdings,
    selection: Selection,
    shard: Shard = ALONE,
    *,
    is_done: Callable[[str], bool] = lambda _: False,
) -> Plan:
    """The jobs of one run.

    Args:
        holdings: What there is.
        selection: What is asked for.
        shard: This run's part.
        is_done: Whether the raw chunk files of a day or month, which are kept, are condensed just as they are.
    """
    days = [Job(day) for day in _days(holdings, selection, is_done)]
    mine = [job for job in days if shard.takes(job)]
    jobs, waiting = list(mine), list[str]()
    for job in _months(holdings, selection, is_done):
        if not shard.takes(job):
            continue
        closed = holdings.tier("consolidated", "monthly", job.period) is not None
        raw = {day for day in holdings.raw if month_of(day) == job.period and not closed and not is_done(day)}
        open_days = {one.period for one in days if month_of(one.period) == job.period}
        if raw | open_days <= {one.period for one in mine}:
            jobs.append(job)
        else:
            waiting.append(job.period)
    return Plan(jobs, waiting)


def _days(holdings: Holdings, selection: Selection, is_done: Callable[[str], bool]) -> list[str]:
    """Days of open months with raw chunk files, or whose daily tables are not all there."""
    days = set(holdings.raw) | set(holdings.periods("consolidated", "daily"))
    return sorted(
        day
        for day in days
        if selection.wants_day(day)
        and holdings.tier("consolidated", "monthly", month_of(day)) is None
        and (selection.again or _is_open(holdings, day, is_done))
    )


def _is_open(holdings: Holdings, day: str, is_done: Callable[[str], bool]) -> bool:
    if day in holdings.raw and not is_done(day):
        return True
    return any(holdings.tier(table, "daily", day) is None for table in TABLES)


def _months(holdings: Holdings, selection: Selection, is_done: Callable[[str], bool]) -> Iterator[Job]:
    """Months with daily files, raw chunk files of closed months, or monthly tables that are not all there."""
    # Without records there is nothing to make a month of, whatever else there is.
    periods = [*holdings.raw, *holdings.periods("consolidated", "daily"), *holdings.periods("consolidated", "monthly")]
    for month in sorted({month_of(period) for period in periods}):
        closed = holdings.tier("consolidated", "monthly", month) is not None
        late = tuple(
            sorted(day for day in holdings.raw if closed and month_of(day) == month and _is_late(selection, day))
        )
        if closed and late and is_done(month):
            late = ()
        named = selection.period is not None and selection.period in late
        if not named and not selection.wants_month(month):
            continue
        whole = all(holdings.tier(table, "monthly", month) is not None for table in TABLES)
        if late or holdings.dailies(month) or not whole or selection.again:
            yield Job(month, late)


def _is_late(selection: Selection, day: str) -> bool:
    return selection.period is None or selection.period in {day, month_of(day)}


def _number(period: str) -> int:
    """Days, or months, since 1970."""
    if len(period) == len("2026-11"):
        year, month = map(int, period.split("-"))
        return year * 12 + month
    return (date.fromisoformat(period) - FIRST_DAY).days


def day_before(day: str) -> str:
    """The day before ``YYYY-MM-DD``."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def day_after(day: str) -> str:
    """The day after ``YYYY-MM-DD``."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
