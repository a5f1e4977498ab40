"""One conversation, by any name that it or one of its calls has: found in the records, and put together."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from open_llm_proxy.answers.answer import Object
from open_llm_proxy.errors import EXIT_FINDINGS, UserError
from open_llm_proxy.logs.calls import Call, pair_calls, time_of
from open_llm_proxy.logs.conversation import Conversation
from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.feed import read_lines
from open_llm_proxy.logs.query import answering
from open_llm_proxy.logs.request_time import EARLIEST, time_of_id
from open_llm_proxy.logs.session_key import session_key_of
from open_llm_proxy.logs.statements import statement
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.views import create_views
from open_llm_proxy.logs.weave import weave
from open_llm_proxy.logs.window import Window

LAST: Final = "last"
DAYS: Final = 7
DAY: Final = timedelta(days=1)
_ROUNDS: Final = 31
_LONG_PREFIX: Final = 12


class Match(NamedTuple):
    """What a name means: a session, or one of its calls. ``key`` is None of a call whose request is not there."""

    key: str | None
    request_id: str | None = None


def find_conversation(
    wanted: str, sources: Sequence[Source], window: Window | None, *, now: datetime, unshipped: Iterable[Object] = ()
) -> Conversation:
    """The conversation of a session, or the one that a call is part of.

    Args:
        wanted: A session's id or key; a call's id, ours or the provider's (``completion_id``, ``upstream_request_id``);
            of ours and the session's the beginning will do, where no other begins so. ``last``: the newest session.
        sources: Where the records are.
        window: When it was; None: within 7 days, or when the id says. What belongs to it just outside is found, too.
        now: The present.
        unshipped: Records that are in no chunk file yet.

    Raises:
        UserError: There is none, or several begin so. Its exit code is 1 where nothing was found.
    """
    unshipped = list(unshipped)
    for candidate in _windows(wanted, window, now):
        reading = Reading(sources, candidate, unshipped)
        match = _match(wanted, reading)
        if match is not None:
            return _read(match, reading)
    raise _not_found(wanted, sources, window)


class Reading:
    """The records of one window, and those that are in no file yet."""

    def __init__(self, sources: Sequence[Source], window: Window, unshipped: list[Object]) -> None:
        self.window = window
        self._sources = sources
        self._unshipped = unshipped
        self.unshipped = [record for record in unshipped if time_of(record) in window]
        self._connection = connect(sources)
        create_views(self._connection, sources, window, ["records"])
        with answering(self._connection):
            self._connection.execute(statement("show_names", records="records"))

    def rows(self, name: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement of ``sql/``."""
        with answering(self._connection):
            found = self._connection.execute(statement(name, records="records", turns="named"), values or None)
            return found.fetchall()

    def widened(self, start: datetime, end: datetime) -> "Reading":
        """The same over another window."""
        self._connection.close()
        return Reading(self._sources, Window(start, end), self._unshipped)

    def records_of(self, match: Match) -> list[Object]:
        """The records of a session, or of a call whose session is not known."""
        if match.key is None:
            return _parse(self.rows("show_call", id=match.request_id)) + self.unshipped
        [(first, last)] = self.rows("show_span", key=match.key)
        stored = self.rows("show_records", key=match.key, first=first, last=last) if first is not None else []
        return _parse(stored) + self.unshipped

    def prompts_of(self, records: list[Object]) -> list[Object]:
        """The system prompts that records of full mode name: in summary mode none is stored."""
        hashes = {record["system_sha256"] for record in records if "messages" in record and record.get("system_sha256")}
        if not hashes:
            return []
        create_views(self._connection, self._sources, self.window, ["system_prompts"])
        return _parse(self.rows("show_prompts", hashes=sorted(hashes)))


def _parse(rows: list[tuple[Any, ...]]) -> list[Object]:
    """The records in a column of texts."""
    return read_lines("\n".join(row[0] for row in rows).encode("utf-8", "replace"))


# --- what a name means -----------------------------------------------------------------------------------------------


def _windows(wanted: str, window: Window | None, now: datetime) -> list[Window]:
    """Where to look, one after the other: where an id says when it was, there first or last."""
    if window is not None:
        return [window]
    recent = Window(now - DAYS * DAY, None)
    at = time_of_id(wanted, now)
    if at is None:
        return [recent]
    then = Window(at - DAY, at + DAY)
    return [then, recent] if len(wanted) >= _LONG_PREFIX else [recent, then]


def _match(wanted: str, reading: Reading) -> Match | None:
    if wanted == LAST:
        return _match_last(reading)
    found = _match_session(wanted, reading) or _match_call(wanted, reading, "show_request")
    return found or _match_unshipped(wanted, reading) or _match_call(wanted, reading, "show_provider_id")


def _match_last(reading: Reading) -> Match | None:
    rows = reading.rows("show_last")
    asked = [record for record in reading.unshipped if record.get("type") == "request"]
    newest = max(asked, key=time_of, default=None)
    if newest is not None and (not rows or time_of(newest) > _instant(rows[0][1])):
        return Match(session_key_of(newest))
    return Match(rows[0][0]) if rows else None


def _match_session(wanted: str, reading: Reading) -> Match | None:
    rows = reading.rows("show_session", id=wanted)
    if not rows:
        return None
    if not rows[0][1] and len(rows) > 1:
        raise _ambiguous(wanted, [key for key, _ in rows])
    return Match(rows[0][0])


def _match_call(wanted: str, reading: Reading, name: str) -> Match | None:
    rows = reading.rows(name, id=wanted)
    if not rows:
        return None
    request_id, at_us, exact = rows[0]
    if len(rows) > 1 and (not exact or rows[1][2]):
        raise _ambiguous(wanted, [f"{other} of {_instant(then_us):%Y-%m-%d %H:%M:%S}" for other, then_us, _ in rows])
    keys = reading.rows("show_key", id=request_id, at_us=at_us)
    return Match(keys[0][0] if keys else None, request_id)


def _match_unshipped(wanted: str, reading: Reading) -> Match | None:
    for call in pair_calls(reading.unshipped):
        key = session_key_of(call.first)
        if call.request_id.startswith(wanted) or wanted in {
            call.field("completion_id"),
            call.field("upstream_request_id"),
        }:
            return Match(key, call.request_id)
        if key.startswith(wanted):
            return Match(key)
    return None


def _midnight(at: datetime) -> datetime:
    """When its day began."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _instant(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1e6, UTC)


# --- what belongs to it ----------------------------------------------------------------------------------------------


def _read(match: Match, reading: Reading) -> Conversation:
    records = _own(match, reading.records_of(match))
    for _ in range(_ROUNDS):
        times = sorted(at for record in records if (at := time_of(record)) > EARLIEST)
        if not times:
            break
        start, end = _midnight(times[0]) - DAY, _midnight(times[-1]) + 2 * DAY
        window = reading.window
        if (window.start is None or window.start <= start) and (window.end is None or window.end >= end):
            break
        start = start if window.start is None else min(start, window.start)
        end = end if window.end is None else max(end, window.end)
        reading = reading.widened(start, end)
        more = _own(match, reading.records_of(match))
        if len(more) <= len(records):
            break
        records = more
    conversation = weave(records + reading.prompts_of(records))
    if match.request_id is None:
        return conversation
    threads = [
        thread for thread in conversation.threads if any(turn.request_id == match.request_id for turn in thread.turns)
    ]
    usage = sum((turn.usage for thread in threads for turn in thread.turns), start=type(conversation.usage)())
    return msgspec.structs.replace(conversation, threads=threads, usage=usage, wanted=match.request_id)


def _own(match: Match, records: list[Object]) -> list[Object]:
    """The session's records, without those of calls that have the same id by chance."""
    calls = [call for call in pair_calls(records) if _belongs(call, match)]
    return [record for call in calls for record in call if record is not None]


def _belongs(call: Call, match: Match) -> bool:
    if match.key is None:
        return call.request_id == match.request_id
    if call.request is not None:
        return session_key_of(call.request) == match.key
    return call.request_id == match.request_id or call.field("session_id") == match.key


# --- messages --------------------------------------------------------------------------------------------------------


def _not_found(wanted: str, sources: Sequence[Source], window: Window | None) -> UserError:
    where = ", ".join(source.url for source in sources)
    when = "in this window" if window is not None else f"in the last {DAYS} days"
    if wanted == LAST:
        return UserError(
            f"There is no call in {where} {when}", "Name another place or a wider window: --since 30d", EXIT_FINDINGS
        )
    return UserError(
        f"There is no session or call {wanted!r} in {where} {when}",
        "Widen the window: --since 30d, or --from DATE --to DATE; `logs sessions` and `logs tail` list what there is",
        EXIT_FINDINGS,
    )


def _ambiguous(wanted: str, found: list[str]) -> UserError:
    return UserError(f"{wanted!r} may be {', '.join(found)}", "Give more of it, or say when: --from DATE --to DATE")
