"""What clients know of their calls, held against the records: each call that was answered has its two, once."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

Record = dict[str, Any]

SHOWN: Final = 3000
"""Characters of a question that are compared: the records hold 4,000."""
WHOLE, ERROR, LEFT, BROKEN = "whole", "error", "left", "broken"
KEPT: Final = (
    *(
        "type",
        "request_id",
        "client_request_id",
        "key",
        "user_question",
        "status",
        "error",
        "content",
        "content_logged",
    ),
    *("config_sha256", "request_bytes", "attempts"),
)
"""What the reckoning looks at: the rest of half a million records is let go."""
CAUSES: Final = (
    "Client disconnected/cancelled",
    "Provider returned ",
    "Request timed out",
    "gone could not be reached",
    "the body is not JSON",
    "the provider broke off its answer",
    "up gave no answer",
    "second gave no answer",
    "worker ended",
    "`model` must be",
)
"""How every error begins that a record may have here."""


@dataclass
class Said:
    """One call. ``tag`` is its ``x-request-id``; ``end`` how it ended for the client, None: it goes on."""

    kind: str
    tag: str
    question: str | None = None
    request_id: str | None = None
    status: int = 0
    content: str | None = None
    end: str | None = None
    recorded: bool = True
    logged: bool = True

    def begun(self, headers: Any, status: int = 200) -> None:
        """The answer's head has come."""
        self.request_id, self.status = headers["x-llm-request-id"], status

    def whole(self, content: str | None = None) -> None:
        """The answer has come to its good end."""
        self.content, self.end = content, WHOLE


def slim(records: Iterable[Record]) -> Iterator[Record]:
    """Requests and responses, with what is kept of each."""
    for record in records:
        if record["type"] in {"request", "response"}:
            yield {name: record[name] for name in KEPT if name in record}


class Books:
    """Records by call. Raises ``AssertionError`` where one is there twice, or without its other half."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.requests: dict[str, Record] = {}
        self.responses: dict[str, Record] = {}
        for record in slim(records):
            half = self.requests if record["type"] == "request" else self.responses
            assert record["request_id"] not in half, f"twice: {record}"
            half[record["request_id"]] = record
        alone = self.requests.keys() ^ self.responses.keys()
        assert not alone, f"requests without response, or the other way round: {sorted(alone)[:5]}"
        self._by_tag: dict[str, Record] = {}
        for record in self.requests.values():
            if (tag := record["client_request_id"]) is not None:
                assert tag not in self._by_tag, f"one call, recorded as two: {tag}"
                self._by_tag[tag] = record

    def errors(self) -> Counter[str]:
        """How often each cause stands in a response record."""
        return Counter(_cause(record["error"]) for record in self.responses.values())

    def check(self, said: Iterable[Said]) -> None:
        """What each client knows of its call is what the records say, and no record is of a call that nobody made."""
        said = list(said)
        for one in said:
            self._check(one)
        assert self._by_tag.keys() <= {one.tag for one in said}, "records of calls that nobody made"

    def _check(self, said: Said) -> None:
        request = self._by_tag.get(said.tag)
        if not said.recorded:
            assert request is None, f"recorded, though its caller was nobody: {said}"
            return
        if said.request_id is None:
            assert said.end in {LEFT, BROKEN}, f"an answer without its id: {said}"
            return  # the client had not one byte of an answer: its call may have died with a worker
        assert request is not None, f"a client got an answer, and it has no record: {said}"
        assert request["request_id"] == said.request_id, (said, request)
        response = self.responses[said.request_id]
        self._compare(said, request, response)

    def _compare(self, said: Said, request: Record, response: Record) -> None:
        if not said.logged:
            assert request["content_logged"] is response["content_logged"] is False, (request, response)
            assert request["user_question"] is response["content"] is None, (request, response)
        elif said.question is not None:
            assert request["user_question"][:SHOWN] == said.question, (said, request)
        if said.end == WHOLE:
            assert (response["status"], response["error"]) == (200, None), (said, response)
            if said.content is not None and said.logged:
                assert response["content"] == said.content, (said, response)
        elif said.end == ERROR:
            assert response["status"] == said.status, (said, response)
            assert response["error"], (said, response)


def _cause(error: str | None) -> str:
    if error is None:
        return "none"
    return next((cause for cause in CAUSES if error.startswith(cause)), error)
