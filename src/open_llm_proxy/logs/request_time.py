"""When a call came, by its id: ours begin with the time (16 hex digits, nanoseconds since 1970)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

TIME_DIGITS: Final = 16
FEWEST_DIGITS: Final = 8  # 4 seconds
EARLIEST: Final = datetime(2020, 1, 1, tzinfo=UTC)
_HEX: Final = re.compile(r"[0-9a-f]{8,32}")


def time_of_id(request_id: str, now: datetime) -> datetime | None:
    """About when the call with this id, or one that begins so, came; None: the id does not tell.

    Ids of older records have 8 digits, by chance: a time that cannot be (before 2020, after ``now``) is none.
    """
    if not _HEX.fullmatch(request_id):
        return None
    at_ns = int(request_id[:TIME_DIGITS].ljust(TIME_DIGITS, "0"), 16)
    try:
        found = datetime.fromtimestamp(at_ns / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return found if EARLIEST <= found <= now + timedelta(days=1) else None
