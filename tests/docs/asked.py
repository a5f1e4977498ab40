"""docs/analysis.md's code blocks, and calls of two days for its queries to be about."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.parts import answers
from tests.parts.clock import DAY_S, Clock
from tests.parts.http_client import call
from tests.parts.model_upstream import ModelUpstream, run_upstream
from tests.parts.proxy import Proxy, provider, run_proxy

PAGE: Final = Path(__file__).parents[2] / "docs" / "analysis.md"
GEO: Final = {"Origin": "https://geo.example.org/run-7", "X-Client": "geo-agent/v3.13.1"}
FISH: Final = {"Origin": "https://fish.example.org"}
SYSTEM: Final = {"role": "system", "content": "You answer with SQL."}
QUESTION: Final = "How many parks are there?"


class Block(NamedTuple):
    """A code block: ``kind`` is what stands behind its language."""

    language: str
    kind: str
    text: str


BLOCKS: Final = [
    Block(match["language"], match["kind"] or "", match["text"])
    for match in re.finditer(
        r"^```(?P<language>\w+)(?: (?P<kind>\w+))?\n(?P<text>.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
]


def usage(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more}


def tool_call(number: int, sql: str) -> dict[str, Any]:
    return {
        "id": f"call_{number}",
        "type": "function",
        "function": {"name": "query", "arguments": json.dumps({"sql": sql})},
    }


class Caller:
    """An app's session: what it says goes with all that was said before, as clients do."""

    def __init__(self, model: str, headers: dict[str, str], session: str | None, **body: Any) -> None:
        self._headers = headers
        self._body = {"model": model, "tools": [answers.TOOL], **({} if session is None else {"user": session}), **body}
        self._messages: list[dict[str, Any]] = [SYSTEM]

    def ask(self, place: "Place", text: str, *steps: Any, finish: str = "stop", **counts: Any) -> None:
        """A question; ``steps``: the model's tool calls, each with what the tool gives, then its answer."""
        self._messages.append({"role": "user", "content": text})
        for sql, result in steps[:-1]:
            made = tool_call(len(self._messages), sql)
            self._send(place, answers.chat(None, self._body["model"], tool_calls=[made]), counts)
            self._messages.append({"role": "assistant", "content": None, "tool_calls": [made]})
            self._messages.append({"role": "tool", "tool_call_id": made["id"], "content": result})
        value = answers.chat(steps[-1], self._body["model"], reasoning_content="Let me count.")
        value["choices"][0]["finish_reason"] = finish
        self._send(place, value, counts)
        self._messages.append({"role": "assistant", "content": steps[-1]})

    def _send(self, place: "Place", value: dict[str, Any], counts: dict[str, Any]) -> None:
        value["usage"] = usage(100 * len(self._messages), 20, **counts)
        place.upstream.play(answers.answer(answers.dump(value)))
        assert call(place.proxy, {**self._body, "messages": self._messages}, headers=self._headers).status == 200

    def fail(self, place: "Place", text: str, status: int, said: str) -> None:
        """A question that the provider refuses."""
        place.upstream.play(answers.answer(answers.dump({"error": {"message": said}}), status))
        body = {**self._body, "messages": [*self._messages, {"role": "user", "content": text}]}
        assert call(place.proxy, body, headers=self._headers).status == status


class Place(NamedTuple):
    """Who is called at a time of the day."""

    proxy: Proxy
    upstream: ModelUpstream


def converse_over_midnight(folder: Path) -> list[dict[str, Any]]:
    """The records of two days, the last of them yesterday: tool loops, follow-ups, failures, streams, one midnight."""
    clock = Clock(folder)
    yesterday = DAY_S - int(time.time()) % DAY_S - 2 * DAY_S  # from now to its beginning
    with run_upstream() as upstream:

        @contextmanager
        def at(seconds: int) -> Iterator[Place]:
            clock.shift(yesterday + seconds)
            env = {"LOG_CAPTURE_MODE": "full", **clock.environment()}
            with run_proxy(folder / "proxy", provider(upstream.endpoint), env=env) as proxy:
                yield Place(proxy, upstream)

        night = Caller("nemotron", FISH, "s-night")
        with at(-10 * 3600) as place:
            _ask_by_day(place)
        with at(-60) as place:
            night.ask(place, "Which fish are there?", "Many.", finish="length")
            Caller("kimi", FISH, None).ask(place, "Nobody's question", "An answer.")
        with at(60) as place:
            sturgeon = ("SELECT name FROM fish ORDER BY size DESC", "sturgeon")
            night.ask(place, "Which of them are large?", sturgeon, "The sturgeon.", cost=0.02)
            upstream.play(*answers.stream(answers.chat_events(*answers.CONTENT_DELTAS, model="qwen3")))
            said = {"messages": [{"role": "user", "content": "Say hello"}]}
            streamed = call(place.proxy, {"model": "qwen3", "stream": True, "user": "s-stream", **said}, headers=FISH)
            assert streamed.status == 200
            night.fail(place, "And the largest?", 503, "overloaded")
        records = place.proxy.records()
    return [*records, _unanswered(records)]


def _ask_by_day(place: Place) -> None:
    parks = ("SELECT count(*) FROM parks", "63")
    wrong = ("SELECT count(*) FROM park", "Catalog Error: Table park does not exist")
    geo = Caller("kimi", GEO, "s-parks", temperature=0.2, enable_thinking=True)
    geo.ask(place, QUESTION, wrong, parks, "There are 63.", cost=0.004)
    lakes = ("SELECT count(*) FROM lakes", "7")
    geo.ask(place, "And lakes?", lakes, "Seven.", prompt_tokens_details={"cached_tokens": 300})
    again = Caller("qwen3", GEO, "s-again", enable_thinking=False)
    again.ask(place, QUESTION, parks, "63 parks.")
    again.fail(place, "And rivers?", 402, "This requires more credits")


def _unanswered(records: list[dict[str, Any]]) -> dict[str, Any]:
    """A request whose call still runs: the record that a proxy leaves that was killed with all its spool."""
    last = max((record for record in records if record["type"] == "request"), key=lambda record: record["timestamp"])
    return {**last, "request_id": f"{last['request_id'][:16]}{'f' * 16}", "session_id": "s-lost"}
