"""The last calls, and those that come: from the spool, the outbox, folders and buckets, each call once.

Feeds stand in the order in which records move, spool first: what leaves one while it is read is found in the next.
"""

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from open_llm_proxy.answers.answer import Object, as_text
from open_llm_proxy.logs.call_filter import CallFilter
from open_llm_proxy.logs.calls import Call, time_of
from open_llm_proxy.logs.feed import Feed

SPREAD: Final = timedelta(minutes=15)
"""A chunk file may hold records that are so much younger than its name says (three of the default intervals)."""

REMEMBERED: Final = 100_000
_DONE: Final = Call(None, None)
_LONG_ID: Final = 32


class Tail:
    """``recent`` once, then ``poll`` as often as wanted.

    Args:
        feeds: Where records arrive, in the order in which they move.
        wanted: Which calls are given.
    """

    def __init__(self, feeds: Sequence[Feed], wanted: CallFilter) -> None:
        self._feeds = feeds
        self._wanted = wanted
        self._calls: dict[str, Call] = {}

    def recent(self, count: int, *, unanswered: bool = True) -> list[Call]:
        """The last ``count`` calls that are wanted, oldest first.

        Args:
            count: How many.
            unanswered: Calls without an answer, too; else ``poll`` gives them when they have one.
        """
        answered: dict[str, datetime] = {}  # those that are wanted
        histories = [feed.history() for feed in self._feeds]
        for batch in heapq.merge(*histories, key=lambda batch: batch.time, reverse=True):
            if len(answered) >= count and batch.time < _oldest(answered.values(), count):
                break
            self._gather(batch.load(), answered)
        for feed in self._feeds:  # what moved on while it was listed
            self._gather(feed.poll(), answered)
        found = [self._calls[key] for key in answered]
        if unanswered:
            found += [call for call in self._calls.values() if _is_open(call) and self._wanted.takes(call)]
        for key in answered:
            self._calls[key] = _DONE
        found.sort(key=lambda call: (call.at, call.request_id))
        return found[-count:] if count else []

    def poll(self) -> list[Call]:
        """The wanted calls whose answers have come since the last time, in the order in which they came."""
        records = [record for feed in self._feeds for record in feed.poll()]
        calls: list[Call] = []
        for key in self._add(sorted(records, key=lambda record: record.get("type") != "request")):
            call = self._calls[key]
            if call.response is not None:
                calls.append(call)
                self._calls[key] = _DONE
        while len(self._calls) > REMEMBERED:
            del self._calls[next(iter(self._calls))]
        return sorted(filter(self._wanted.takes, calls), key=lambda call: time_of(call.response or {}))

    def _gather(self, records: Iterable[Object], answered: dict[str, datetime]) -> None:
        for key in self._add(records):
            call = self._calls[key]
            if call.response is None:
                continue
            if self._wanted.takes(call):
                answered[key] = time_of(call.response)
            elif call.request is not None:
                self._calls[key] = _DONE
                answered.pop(key, None)

    def _add(self, records: Iterable[Object]) -> dict[str, None]:
        """Put records with their calls; the keys of those that know more than before."""
        touched: dict[str, None] = {}
        for record in records:
            key = _key_of(record)
            call = None if key is None else self._calls.get(key, Call(None, None))
            if key is None or call is None or call is _DONE:
                continue
            kind = record.get("type")
            if kind == "request" and call.request is None:
                self._calls[key] = Call(record, call.response)
            elif kind == "response" and call.response is None:
                self._calls[key] = Call(call.request, record)
            else:
                continue
            touched[key] = None
        return touched


def _is_open(call: Call) -> bool:
    return call.request is not None and call.response is None


def _oldest(answered: Iterable[datetime], count: int) -> str:
    """Files with an older name than this hold nothing younger than the last ``count`` calls."""
    last = heapq.nlargest(count, answered)
    return f"{last[-1] - SPREAD:%Y-%m-%d/%H-%M-%S}" if last else "~"


def _key_of(record: Object) -> str | None:
    """What both records of a call have; older ids are short, and come again on another day."""
    request_id = as_text(record.get("request_id"))
    if request_id is None or record.get("type") not in {"request", "response"}:
        return None
    return request_id if len(request_id) >= _LONG_ID else f"{request_id} {str(record.get('timestamp'))[:10]}"
