"""What ``logs tail``, ``show``, ``sessions`` and ``stats`` make of what a real proxy wrote, and of what it has not yet written."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.parts.http_client import call
from tests.parts.processes import plain_environment, run_program
from tests.parts.proxy import Proxy, run_proxy

OPEN_LLM_PROXY = Path(sys.executable).with_name("open-llm-proxy")
SECRET = "sk-somebodys-own-key-0123456789"
TOOL = {
    "type": "function",
    "function": {
        "name": "query",
        "parameters": {"type": "object", "properties": {"sql_query": {"type": "string"}}, "required": ["sql_query"]},
    },
}


def converse(proxy: Proxy, session: str, *, hidden: bool = False) -> list[str]:
    """A question, a tool call, its result, an answer, a follow-up; the calls' ids."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are a geographer."},
        {"role": "user", "content": f"How many parks? My key is {SECRET}"},
    ]
    headers = {"Origin": "https://geo.example.org/maps"} | ({"X-Log-Content": "none"} if hidden else {})
    ids: list[str] = []
    for said in ({"role": "tool", "content": "| n |\n|---|\n| 42 |"}, {"role": "user", "content": "And lakes?"}, None):
        tools = {"tools": [TOOL]} if not ids else {}
        answered = call(proxy, {"model": "demo", "user": session, "messages": messages, **tools}, headers=headers)
        ids.append(answered.request_id)
        message = json.loads(answered.body)["choices"][0]["message"]
        messages.append(message)
        if said is not None:
            called = message.get("tool_calls") or [{"id": None}]
            messages.append(said | ({"tool_call_id": called[0]["id"]} if said["role"] == "tool" else {}))
    return ids


@pytest.fixture(scope="module", params=["summary", pytest.param("full", marks=pytest.mark.slow)])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Runs a command of ``logs`` over what a proxy wrote of two sessions; what it prints."""
    folder = tmp_path_factory.mktemp(request.param)
    with run_proxy(folder, env={"LOG_CAPTURE_MODE": request.param}, arguments=["--demo"]) as proxy:
        for session in ("s-1", "s-hidden"):
            converse(proxy, session, hidden=session == "s-hidden")
        proxy.calls(6)

    def run(*arguments: str) -> str:
        command = [OPEN_LLM_PROXY, "logs", *arguments, "--from-dir", proxy.log_dir]
        return subprocess.run(command, env=plain_environment(folder), capture_output=True, text=True, check=True).stdout

    return run


def test_a_conversation_stands_there_once(written: Callable[..., str]):
    found = json.loads(written("show", "s-1", "--format", "json"))
    [thread] = found["threads"]
    said = [(item["kind"], item["text"]) for turn in thread["turns"] for item in (*turn["sent"], *turn["answer"])]
    said = [one for one in said if one[0] != "system"]
    assert said == [
        ("user", "How many parks? My key is [REDACTED]"),
        ("tool_call", '{"sql_query": "SELECT 42 AS answer"}'),
        ("tool_result", "| n |\n|---|\n| 42 |"),
        ("assistant", "The tool gave: | n |\n|---|\n| 42 |"),
        ("user", "And lakes?"),
        ("assistant", "I am the demo model of open-llm-proxy, a stand-in that repeats: And lakes?"),
    ]
    assert [turn["earlier_messages"] for turn in thread["turns"]] == [0, 0, 0]


def test_content_that_was_not_to_be_logged(written: Callable[..., str]):
    text = written("show", "s-hidden")
    assert text.count("content was not logged") >= 5
    assert "Tool result: query" in text
    assert "parks" not in text


def test_the_terminals_view(written: Callable[..., str]):
    text = written("show", "s-1", "--full")
    places = [
        text.index(words) for words in ("How many parks?", "SELECT 42 AS answer", "Tool result: query", "And lakes?")
    ]
    assert places == sorted(places)


def test_lists_and_figures(written: Callable[..., str]):
    rows = json.loads(written("sessions", "--format", "json"))
    assert [(row["session_key"], row["turns"], row["status"], row["app"]) for row in rows] == [
        ("s-hidden", 3, "ok", "geo"), ("s-1", 3, "ok", "geo"),
    ]  # fmt: skip
    figures = json.loads(written("stats", "--by", "model", "--format", "json"))
    assert [(row["name"], row["calls"], row["sessions"]) for row in figures["rows"]] == [("demo", 6, 2)]
    assert len(written("tail").splitlines()) == 6


def test_calls_that_are_in_no_file_yet(tmp_path: Path):
    with run_proxy(tmp_path, env={"FLUSH_INTERVAL": "300"}, arguments=["--demo"]) as proxy:
        [first, *_] = converse(proxy, "s-1")
        environment = plain_environment(tmp_path) | {"SPOOL_DIR": str(proxy.spool_dir), "LOG_DIR": str(proxy.log_dir)}
        command = [OPEN_LLM_PROXY, "logs", "tail", "-f", "--format", "json"]
        (tmp_path / "tail").mkdir()
        with run_program(command, env=environment, folder=tmp_path / "tail") as program:
            program.wait_until(lambda: program.stdout.count("\n") == 6, "the calls that were there")
            converse(proxy, "s-2")
            program.wait_until(lambda: program.stdout.count("\n") == 12, "the calls that came")
            assert not list(proxy.log_dir.glob("*/*.jsonl"))
            shown = subprocess.run(
                [OPEN_LLM_PROXY, "logs", "show", first[:15]],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            assert "And lakes?" in shown.stdout
            proxy.program.process.send_signal(signal.SIGTERM)
            assert proxy.program.process.wait(20) == 0
            assert list(proxy.log_dir.glob("*/*.jsonl"))
            program.process.send_signal(signal.SIGINT)
            assert program.process.wait(10) == 130
        lines = [json.loads(line) for line in program.stdout.splitlines()]
    assert len(lines) == len({(line["request_id"], line["type"]) for line in lines}) == 12
    assert SECRET not in program.stdout + shown.stdout
