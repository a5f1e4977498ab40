"""Answers that clients got, held against the records that a bucket has."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.parts.load import Whole

Record = dict[str, Any]


def reckon(whole: Iterable[Whole], records: Iterable[Record]) -> Counter[str]:
    """Nothing is lost, doubled or mixed up; how often each ``error`` stands in a response record."""
    calls = [record for record in records if record["type"] in {"request", "response"}]
    seen = Counter((record["type"], record["request_id"]) for record in calls)
    assert {key: count for key, count in seen.items() if count > 1} == {}, "records that are there more than once"
    by_type: dict[str, dict[str, Record]] = {"request": {}, "response": {}}
    for record in calls:
        by_type[record["type"]][record["request_id"]] = record
    requests, responses = by_type["request"], by_type["response"]
    assert requests.keys() ^ responses.keys() == set(), "requests without response, or the other way round"
    for answer in whole:
        _compare(answer, requests, responses)
    return Counter(_kind(record["error"]) for record in responses.values())


def _compare(answer: Whole, requests: dict[str, Record], responses: dict[str, Record]) -> None:
    request_id = answer.request_id
    assert request_id in requests, f"a client got the answer {request_id}, and it has no record"
    request, response = requests[request_id], responses[request_id]
    assert request["user_question"] == answer.question, request
    assert (response["status"], response["error"], response["content"]) == (200, None, answer.content), response
    assert answer.content == f"answer to {answer.question[:80]}"


def _kind(error: str | None) -> str:
    """An error's text without what differs from call to call."""
    return str(error).partition(" after ")[0]
