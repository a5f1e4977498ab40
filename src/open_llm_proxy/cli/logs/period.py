"""The window that options name; where they name none, a default that is said."""

from datetime import UTC, datetime

from open_llm_proxy.logs.window import Window, parse_window
from open_llm_proxy.telemetry import diagnostics

DEFAULT = "7d"


def window_of(since: str | None, start: str | None, end: str | None) -> Window | None:
    """The window of ``--since``, ``--from`` and ``--to``; None: none of them was given.

    Raises:
        UserError: One of them is none.
    """
    if since is None and start is None and end is None:
        return None
    return parse_window(since, start, end, datetime.now(UTC))


def window_or_default(since: str | None, start: str | None, end: str | None) -> Window:
    """The same; without a word the last 7 days, which is said on stderr."""
    window = window_of(since, start, end)
    if window is None:
        diagnostics.say("info", "the last 7 days; --since, --from and --to say otherwise")
        window = parse_window(DEFAULT, None, None, datetime.now(UTC))
    return window
