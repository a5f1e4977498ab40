"""Records to calls: a request's record and its answer's side by side, each once."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from open_llm_proxy.answers.answer import Object, as_text

LONGEST_CALL: Final = timedelta(days=1)
"""Older request ids have 8 digits, and come again on another day: an answer is its request's within this time only."""

_LONG_ID: Final = 32


class Call(NamedTuple):
    """The records of a call; one of them may be missing: not yet written, or outside the window."""

    request: Object | None
    response: Object | None

    @property
    def request_id(self) -> str:
        """The id that both have."""
        return as_text(self.first.get("request_id")) or ""

    @property
    def first(self) -> Object:
        """The request's record, else the response's."""
        return self.request if self.request is not None else self.response or {}

    @property
    def at(self) -> str:
        """When it came; without its request, when it was answered. ISO 8601, UTC."""
        return as_text(self.first.get("timestamp")) or ""

    def field(self, name: str) -> Any:
        """A field that both records have: the request's, else the response's."""
        found = None if self.request is None else self.request.get(name)
        return self.response.get(name) if found is None and self.response is not None else found


def pair_calls(records: Iterable[Object]) -> list[Call]:
    """The calls in ``records`` (of any type and order, doubles among them), in the order of their requests."""
    by_id: dict[str, list[Object]] = {}
    for record in records:
        request_id = as_text(record.get("request_id"))
        if request_id and record.get("type") in {"request", "response"}:
            by_id.setdefault(request_id, []).append(record)
    calls = [call for request_id, found in by_id.items() for call in _pair(request_id, found)]
    return sorted(calls, key=lambda call: (call.at, call.request_id))


def _pair(request_id: str, records: list[Object]) -> list[Call]:
    requests = _distinct(records, "request")
    responses = _distinct(records, "response")
    if len(request_id) >= _LONG_ID:  # unique: a second record is the first one, written again
        return [Call(requests[0] if requests else None, responses[0] if responses else None)]
    calls: list[Call] = []
    for index, request in enumerate(requests):
        following = requests[index + 1] if index + 1 < len(requests) else None
        answer = next((one for one in responses if _answers(one, request, following)), None)
        if answer is not None:
            responses.remove(answer)
        calls.append(Call(request, answer))
    return calls + [Call(None, response) for response in responses]


def _distinct(records: list[Object], kind: str) -> list[Object]:
    """The records of a type by time, doubles left out."""
    found = {str(one.get("timestamp")): one for one in reversed(records) if one.get("type") == kind}
    return [found[timestamp] for timestamp in sorted(found)]


def _answers(response: Object, request: Object, following: Object | None) -> bool:
    asked, answered = time_of(request), time_of(response)
    later = None if following is None else time_of(following)
    return asked <= answered <= asked + LONGEST_CALL and (later is None or answered < later)


def time_of(record: Object) -> datetime:
    """A record's time, in UTC; one that has none came at the beginning of all."""
    try:
        found = datetime.fromisoformat(str(record.get("timestamp")))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
