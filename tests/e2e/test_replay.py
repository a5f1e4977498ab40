"""Sessions that the real proxy logged, in full and in summary mode, in a folder and in a bucket, asked again."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from tests.parts import answers
from tests.parts.bucket import Bucket
from tests.parts.mcp_server import RunningServer
from tests.parts.model_upstream import ModelUpstream, Seen, run_upstream
from tests.parts.processes import plain_environment, wait_until
from tests.parts.proxy import KEY, Proxy, provider, run_proxy
from tests.parts.s3_server import run_s3_server

pytestmark = pytest.mark.slow

PROGRAM: Final = Path(sys.executable).with_name("open-llm-proxy")
ORIGIN: Final = "https://parks.example.org/app"
SQL: Final = {
    "careful": "SELECT count(*) AS n\nFROM parks\nWHERE kind = 'land'",
    "careless": "SELECT count(*) AS n\nFROM parks",
}


def reply(seen: Seen) -> list[bytes]:
    """Each model has SQL of its own; ``careful-2`` asks as ``careful`` does. A follow-up is answered without a tool."""
    body = seen.json()
    messages, name = body["messages"], body["model"].removesuffix("-2")
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": 0.01}
    if messages[-1]["role"] == "tool":
        value = answers.chat(f"It is {messages[-1]['content']}")
    elif sum(one["role"] == "user" for one in messages) > 1 or not body.get("tools"):
        value = answers.chat(f"As I said: {messages[-1]['content']}")
    else:
        function = {"name": "query", "arguments": json.dumps({"sql": SQL[name]})}
        value = answers.chat(None, tool_calls=[{"id": "call_1", "type": "function", "function": function}])
    return [answers.answer(answers.dump(value | {"model": f"up-{body['model']}", "usage": usage}))]


@pytest.fixture(scope="module")
def upstream() -> Iterator[ModelUpstream]:
    with run_upstream() as running:
        running.ordinarily = reply
        yield running


@pytest.fixture(scope="module")
def full(upstream: ModelUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    env = {"LOG_CAPTURE_MODE": "full"}
    with run_proxy(tmp_path_factory.mktemp("full"), provider(upstream.endpoint), env=env) as running:
        yield running


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with run_s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server.bucket()


@pytest.fixture(scope="module")
def summary(upstream: ModelUpstream, bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy whose records, in summary mode, are in a bucket."""
    place = tmp_path_factory.mktemp("summary")
    with run_proxy(place, provider(upstream.endpoint), env=bucket.environment()) as running:
        yield running


def agent(folder: Path, proxy: Proxy, *arguments: Any, env: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    command = [PROGRAM, "agent", *arguments, "--proxy-url", proxy.base_url, "--api-key", KEY]
    return subprocess.run(
        list(map(str, command)),
        env=plain_environment(folder) | env,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def converse(folder: Path, proxy: Proxy, parks: RunningServer, session: str) -> None:
    """A session with a tool and a prompt, as an app would have it."""
    run = ["run", "How many parks on land?", "--model", "careful", "--origin", ORIGIN, "--session-id", session]
    done = agent(folder, proxy, *run, "--mcp-url", parks.url, "--mcp-prompt", "analyst", "--quiet")
    assert done.returncode == 0, done.stderr


def shipped(proxy: Proxy, count: int) -> None:
    wait_until(lambda: proxy.health()["logging"]["records"]["shipped"] >= count, "the records in the bucket")


@pytest.fixture(scope="module")
def logged(full: Proxy, parks: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    converse(tmp_path_factory.mktemp("session"), full, parks, "the-full-session")
    upstream_id(full, "the-full-session")  # both calls are on record
    return "the-full-session"


def replayed(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_another_model_with_recorded_tools(full: Proxy, logged: str, upstream: ModelUpstream, tmp_path: Path):
    upstream.seen.clear()
    arguments = ["replay", logged, "--from-dir", full.log_dir, "--format", "json"]
    done = agent(tmp_path, full, *arguments, "--model", "careless")
    assert (done.returncode, done.stderr) == (0, "")
    found = replayed(done)
    assert found["original"]["model"] == "careful"
    assert found["original"]["figures"]["cost"] == pytest.approx(0.02)
    assert found["original"]["system_sha256"] == found["replay"]["system_sha256"]
    assert found["original"]["tools_sha256"] == found["replay"]["tools_sha256"]
    (question,) = found["questions"]
    assert question["original_answer"].startswith("It is | n |")
    (pair,) = question["calls"]
    assert pair["difference"] == "changed"
    assert pair["arguments"][0] == {
        "name": "sql",
        "is_sql": True,
        "lines": ["@@ -1,3 +1,2 @@", " SELECT count(*) AS n", " FROM parks", "-WHERE kind = 'land'"],
    }
    assert "no recorded result exists" in question["replay_answer"]
    assert [one["name"] for one in found["not_recorded"]] == ["query"]
    record = full.records_of(upstream_id(full, found["replay"]["session_id"])).request
    assert record["origin"] == f"{ORIGIN}/replay"
    assert record["session_id"] == found["replay"]["session_id"] != logged


def upstream_id(proxy: Proxy, session: str) -> str:
    """The id of a session's last call."""
    proxy.program.wait_until(
        lambda: sum(one.get("session_id") == session for one in proxy.records()) >= 4, f"the records of {session}"
    )
    return [one["request_id"] for one in proxy.records() if one.get("session_id") == session][-1]


def test_the_same_calls_give_the_same_results(full: Proxy, logged: str, tmp_path: Path):
    arguments = ["replay", logged, "--from-dir", full.log_dir, "--format", "json"]
    found = replayed(agent(tmp_path, full, *arguments, "--model", "careful-2"))
    assert (found["same"], found["not_recorded"]) == (True, [])
    assert found["questions"][0]["calls"][0]["replay"]["result"]["source"] == "recorded"


@pytest.mark.slow
def test_live_tools(full: Proxy, logged: str, parks: RunningServer, tmp_path: Path):
    arguments = ["replay", logged, "--from-dir", full.log_dir, "--format", "json", "--model", "careless"]
    found = replayed(agent(tmp_path, full, *arguments, "--tools", "live", "--mcp-url", parks.url))
    (question,) = found["questions"]
    assert question["replay_answer"].startswith("It is | n |")
    assert not question["same_answer"]
    assert found["not_recorded"] == []


def test_a_session_in_summary_mode_from_a_bucket(
    summary: Proxy, bucket: Bucket, parks: RunningServer, upstream: ModelUpstream, tmp_path: Path
):
    converse(tmp_path, summary, parks, "the-short-session")
    shipped(summary, 4)
    env = {name: value for name, value in bucket.environment().items() if name.startswith("AWS_")}
    store = [
        "replay",
        "the-short-session",
        "--store",
        f"s3://{bucket.name}",
        "--model",
        "careful-2",
        "--format",
        "json",
    ]
    upstream.seen.clear()
    done = agent(tmp_path, summary, *store, env=env)
    assert (done.returncode, done.stdout, upstream.seen) == (2, "", [])
    assert "was logged in summary mode: its list of tools is not in the records" in done.stderr
    assert "--mcp-url URL" in done.stderr
    assert "--system-prompt PATH" in done.stderr

    done = agent(tmp_path, summary, *store, "--mcp-url", parks.url, env=env)
    assert done.returncode == 0
    assert "was logged in summary mode: its system prompt is not in the records" in done.stderr
    assert replayed(done)["questions"][0]["same_answer"]

    (tmp_path / "prompt.md").write_text("Answer briefly")
    arguments = [*store, "--mcp-url", parks.url, "--system-prompt", tmp_path / "prompt.md"]
    done = agent(tmp_path, summary, *arguments, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert replayed(done)["questions"][0]["calls"][0]["difference"] == "same"
    assert upstream.seen[-1].json()["messages"][0] == {"role": "system", "content": "Answer briefly"}


@pytest.mark.slow
def test_limits(full: Proxy, logged: str, upstream: ModelUpstream, tmp_path: Path):
    arguments = ["replay", logged, "--from-dir", full.log_dir, "--model", "careful-2"]
    for limit in (["--max-calls", "1"], ["--max-cost", "0.005"]):
        upstream.seen.clear()
        done = agent(tmp_path, full, *arguments, *limit)
        assert (done.returncode, len(upstream.seen)) == (3, 1)
        assert limit[0] in done.stderr


@pytest.mark.slow
def test_follow_ups_in_order(full: Proxy, tmp_path: Path, upstream: ModelUpstream):
    """A browser's session with two questions, the second one sent with all of the history."""
    from tests.parts.http_client import call

    history = [{"role": "user", "content": "How many?"}]
    told = {"model": "careful", "user": "the-long-session"}
    call(full, {**told, "messages": history})
    history += [{"role": "assistant", "content": "As I said: How many?"}, {"role": "user", "content": "And lakes?"}]
    call(full, {**told, "messages": history})
    full.program.wait_until(
        lambda: sum(one.get("session_id") == "the-long-session" for one in full.records()) >= 4, "the records"
    )
    upstream.seen.clear()
    arguments = ["replay", "the-long-session", "--from-dir", full.log_dir, "--format", "json"]
    found = replayed(agent(tmp_path, full, *arguments))
    assert [one["text"] for one in found["questions"]] == ["How many?", "And lakes?"]
    assert found["same"]
    assert upstream.seen[-1].json()["messages"] == history
