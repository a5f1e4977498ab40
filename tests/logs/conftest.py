"""Records as the proxy writes them, made by hand: only the fields that a test is about."""

import json

import pytest
from tests.logs.condense import corpus as corpus_module
from tests.parts.s3_server import run_s3_server

from open_llm_proxy.logs.bucket import Bucket
from open_llm_proxy.logs.condense.press import Press
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.store.connect import StoreOptions


class Scribe:
    """Writes the records of one session; each call a second after the one before it."""

    def __init__(
        self, session_id="s-1", origin="https://geo.example.org/maps", model="kimi", start="2026-04-07T12:00:00"
    ):
        self.identity = {"session_id": session_id, "origin": origin, "model": model, "provider": "nrp", "client": None}
        self.records = []
        self.number = 0
        self.day, _, self.clock = start.partition("T")

    def _stamp(self, microsecond):
        hour, minute, second = map(int, self.clock.split(":"))
        total = hour * 3600 + minute * 60 + second + self.number
        return f"{self.day}T{total // 3600:02}:{total // 60 % 60:02}:{total % 60:02}.{microsecond:06}Z"

    def ask(self, question, said=None, *, count=1, results=None, **more):
        """A request; its id."""
        self.number += 1
        request_id = f"{self.number:032x}"
        record = {
            "timestamp": self._stamp(0),
            "type": "request",
            "request_id": request_id,
            **self.identity,
            "message_count": count,
            "user_question": question,
            "user_message_this_turn": question if said is None else said,
            "tool_results_this_turn": results,
            "content_logged": True,
            "endpoint": "/v1/chat/completions",
            "truncated": [],
        }
        self.records.append(record | more)
        return request_id

    def answer(self, content=None, *, calls=None, of=None, **more):
        """The answer to the last request, or to request ``of``."""
        record = {
            "timestamp": self._stamp(500_000),
            "type": "response",
            "request_id": of or f"{self.number:032x}",
            **self.identity,
            "latency_ms": 500,
            "content": content,
            "has_content": content is not None,
            "has_tool_calls": bool(calls),
            "tool_calls": calls,
            "tokens": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            "error": None,
            "status": 200,
            "content_logged": True,
            "truncated": [],
        }
        self.records.append(record | more)


def tool_call(call_id, name="query", **arguments):
    return {"id": call_id, "name": name, "arguments": json.dumps(arguments)}


def result(call_id, content):
    return {"tool_call_id": call_id, "content": content}


@pytest.fixture
def scribe():
    return Scribe()


@pytest.fixture
def tools():
    """How tool calls and results look: ``tools.call(id, …)``, ``tools.result(id, text)``."""

    class Tools:
        call = staticmethod(tool_call)
        result = staticmethod(result)

    return Tools


@pytest.fixture
def tool_loop(scribe, tools):
    """A question, two tool calls at once, their results, an answer, and a follow-up."""
    scribe.ask("How many parks?", count=2, system_sha256="5" * 64)
    scribe.answer(
        calls=[tools.call("c1", sql="SELECT count(*) FROM parks"), tools.call("c2", "describe", table="parks")],
        reasoning_content="I have to count.",
        has_reasoning_content=True,
        finish_reason="tool_calls",
    )
    scribe.ask("How many parks?", count=5, results=[tools.result("c1", "42"), tools.result("c2", "name VARCHAR")])
    scribe.answer("There are 42.", finish_reason="stop")
    scribe.ask("How many parks?", "And lakes?", count=7)
    scribe.answer("There are 7.", finish_reason="stop")
    return scribe


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    with run_s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def bucket(s3_server):
    """A bucket, opened with a prefix."""
    made = s3_server.bucket()
    options = StoreOptions(s3_endpoint=made.endpoint, access_key_id="any", secret_access_key="any")
    return Bucket(f"s3://{made.name}/some/prefix", options)


@pytest.fixture
def store_records(tmp_path):
    """Write records to a folder as chunk files by day; the folder."""

    def store_records(records, name="12-00-00-host-1-00ff.1.1"):
        folder = tmp_path / "logs"
        for day in {record["timestamp"][:10] for record in records}:
            (folder / day).mkdir(parents=True, exist_ok=True)
            lines = [json.dumps(record) for record in records if record["timestamp"].startswith(day)]
            (folder / day / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        return folder

    return store_records


@pytest.fixture(scope="session")
def corpus():
    """Records, chunk files and what condensing them has to give."""
    return corpus_module


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "logs")


@pytest.fixture
def work(tmp_path):
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture
def press(folder, work):
    with Press(folder, work) as made:
        yield made
