"""The time that is asked for: ``--since 7d``, ``--from 2026-11-01 --to 2026-11-07``."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from open_llm_proxy.errors import UserError

_AGO: Final = re.compile(r"(\d+)\s*([mhdw])", re.IGNORECASE)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY: Final = timedelta(days=1)


class Window(NamedTuple):
    """From ``start`` up to, and without, ``end``, both in UTC; None: no bound on that side."""

    start: datetime | None
    end: datetime | None

    def __contains__(self, instant: object) -> bool:
        """Whether an instant lies in it."""
        return (
            isinstance(instant, datetime)
            and (self.start is None or instant >= self.start)
            and (self.end is None or instant < self.end)
        )


ALL: Final = Window(None, None)


def parse_window(since: str | None, start: str | None, end: str | None, now: datetime) -> Window:
    """The window of three options, each of them None or as it was typed.

    Args:
        since: So long before ``now``: ``30m``, ``12h``, ``7d``, ``2w``.
        start: A date (UTC, its whole day is in) or an instant of ISO 8601 (UTC, unless it says another zone).
        end: A date (its whole day is in), or an instant (not in itself).
        now: The present.

    Raises:
        UserError: One of them is none of these, or they contradict each other.
    """
    if since is not None and start is not None:
        raise UserError("--since and --from both say where the window begins", "Give one of them")
    window = Window(
        _ago(since, now) if since is not None else None if start is None else _instant("--from", start),
        None if end is None else _instant("--to", end, whole_day=_DAY),
    )
    if window.start is not None and window.end is not None and window.start >= window.end:
        raise UserError(
            f"The window ends ({_shown(window.end)}) before it begins ({_shown(window.start)})",
            "Give an earlier --from or a later --to",
        )
    return window


def days(window: Window) -> tuple[date | None, date | None]:
    """The first and the last UTC day that the window touches; None: no bound on that side."""
    last = None if window.end is None else (window.end - timedelta(microseconds=1)).date()
    return None if window.start is None else window.start.date(), last


def _ago(text: str, now: datetime) -> datetime:
    match = _AGO.fullmatch(text.strip())
    if match is None:
        raise UserError(f"--since takes a time such as 12h, 7d or 2w, not {text!r}", "For a date there is --from")
    try:
        return now.astimezone(UTC) - timedelta(**{_UNITS[match[2].lower()]: int(match[1])})
    except OverflowError as error:
        raise UserError(f"--since {text} is before the beginning of time", "Leave it out to read everything") from error


def _instant(option: str, text: str, *, whole_day: timedelta = timedelta()) -> datetime:
    text = text.strip()
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(
            f"{option} takes a date (2026-11-25) or an instant (2026-11-25T14:30:00Z), not {text!r}"
        ) from error
    if len(text) <= len("2026-11-25"):
        return found.replace(tzinfo=UTC) + whole_day
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _shown(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
