"""What a record keeps and what it leaves out, and where its line goes, as deployments set it."""

import base64
import gzip
import json
import os
import pty
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from tests.parts import answers
from tests.parts.http_client import ask, call
from tests.parts.model_upstream import ModelUpstream
from tests.parts.processes import plain_environment, wait_until
from tests.parts.proxy import COMMAND, KEY, LISTENING, Proxy, provider, run_proxy

pytestmark = pytest.mark.slow

PROMPT = "You are a geographer."
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8gd29ybGQ="}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "aGVsbG8gd29ybGQ=", "format": "wav"}}
CONVERSATION: dict[str, Any] = {
    "model": "m",
    "tools": [answers.TOOL],
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": PROMPT}]},
        {"role": "user", "content": [{"type": "text", "text": "Where is Rome?"}, IMAGE, AUDIO]},
        {"role": "assistant", "content": None, "tool_calls": [answers.TOOL_CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "In Italy"},
    ],
}


@pytest.mark.parametrize("mode", ["summary", "full"])
def test_what_each_capture_mode_keeps(upstream: ModelUpstream, tmp_path: Path, mode: str):
    with run_proxy(tmp_path, provider(upstream.endpoint), env={"LOG_CAPTURE_MODE": mode}) as proxy:
        ids = [call(proxy, CONVERSATION).request_id for _ in range(2)]
        first, second = [proxy.records_of(request_id).request for request_id in ids]
        records = proxy.records()
    assert first["user_question"] == first["user_message_this_turn"] == "Where is Rome?"
    assert first["tool_results_this_turn"] == [{"tool_call_id": "call_1", "content": "In Italy"}]
    assert first["system_sha256"] == second["system_sha256"] is not None
    assert "aGVsbG8" not in json.dumps(records)
    shared = [record for record in records if record["type"] in {"system_prompt", "tools"}]
    if mode == "summary":
        assert "messages" not in first
        assert shared == []
        return
    prompt, user, assistant, tool = first["messages"]
    assert prompt == {
        "role": "system",
        "system_sha256": first["system_sha256"],
        "content_len": len(PROMPT),
        "_dedup": True,
    }
    assert [part.get("type", part.get("omitted")) for part in user["content"]] == ["text", "image_url", "input_audio"]
    assert "image/png" in json.dumps(user)
    assert assistant["tool_calls"][0]["function"]["name"] == "look_up"
    assert tool["content"] == "In Italy"
    assert {(record["type"], record.get("content"), record.get("tools_sha256")) for record in shared} == {
        ("system_prompt", PROMPT, None),
        ("tools", None, first["tools_sha256"]),
    }
    assert len(shared) == 2


def test_what_is_longer_than_its_cap_is_cut_and_named(upstream: ModelUpstream, tmp_path: Path):
    env = {"LOG_CONTENT_MAX": "5", "LOG_REASONING_MAX": "4", "LOG_TOOL_RESULT_MAX": "3", "LOG_USER_QUESTION_MAX": "2"}
    said = {"content": "A long answer", "reasoning_content": "Long thoughts"}
    upstream.play(
        answers.answer(answers.dump(answers.chat(said["content"], reasoning_content=said["reasoning_content"])))
    )
    upstream.play(*answers.stream(answers.chat_events(said)))
    with run_proxy(tmp_path, provider(upstream.endpoint), env=env) as proxy:
        for stream in (False, True):
            answer = call(proxy, {**CONVERSATION, "stream": stream})
            request, response = proxy.records_of(answer.request_id)
            assert b"A long answer" in answer.body
            assert (request["user_question"], request["tool_results_this_turn"][0]["content"]) == ("Wh", "In ")
            assert set(request["truncated"]) == {"user_question", "user_message_this_turn", "tool_results_this_turn"}
            assert (response["content"], response["reasoning_content"]) == ("A lon", "Long")
            assert set(response["truncated"]) == {"content", "reasoning_content"}
            assert request["request_sha256"]
            assert response["response_sha256"]


def test_a_body_longer_than_the_capture_is_served_whole_and_named(upstream: ModelUpstream, tmp_path: Path):
    config = {**provider(upstream.endpoint), "limits": {"capture_bytes": 4096}}
    long = answers.dump(answers.chat("b" * 50_000))
    upstream.play(answers.answer(long))
    with run_proxy(tmp_path, config) as proxy:
        answer = call(proxy, ask("a" * 50_000))
        request, response = proxy.records_of(answer.request_id)
    assert answer.body == long
    assert len(upstream.seen[0].body) == request["request_bytes"] > 50_000
    assert request["user_question"][:2000] == "a" * 2000
    assert "user_question" in request["truncated"]
    assert (request["request_sha256"], response["response_sha256"]) == (None, None)
    assert "content" in response["truncated"]
    assert response["response_bytes"] == len(long)


SAID = "forget-me"
KEPT = [
    *("message_count", "tools_count", "request_bytes", "request_sha256", "system_sha256", "tools_sha256", "edits"),
    *("latency_ms", "tokens", "status", "response_bytes", "response_sha256", "finish_reason", "has_content"),
    *("has_tool_calls", "upstream_model", "completion_id"),
]


def secretive(model: str) -> dict[str, Any]:
    """A body whose every text says it."""
    tool = {**answers.TOOL, "function": {**answers.TOOL["function"], "description": SAID}}
    messages = [{"role": role, "content": SAID} for role in ("system", "user", "assistant", "tool")]
    return {"model": model, "tools": [tool], "stop": SAID, "messages": messages}


def answer_secretively(upstream: ModelUpstream) -> None:
    """Script an answer whose every text says it, and an error that does."""
    tool_call = {**answers.TOOL_CALL, "function": {"name": "look_up", "arguments": json.dumps({"q": SAID})}}
    texts = dict.fromkeys(("content", "reasoning_content", "refusal"), SAID)
    message = {"role": "assistant", **texts, "tool_calls": [tool_call]}
    choices = [{"index": index, "message": message, "finish_reason": "stop"} for index in range(2)]
    upstream.play(answers.answer(answers.dump({**answers.chat(), "choices": choices})))
    upstream.play(answers.answer(answers.dump(answers.openai_error(400, "bad", SAID)), 400))


def check_kept_out(proxy: Proxy, upstream: ModelUpstream, model: str = "m", **headers: str) -> None:
    answer_secretively(upstream)
    ids = [call(proxy, secretive(model), headers=headers).request_id for _ in range(2)]
    (request, response), (_, refused) = [proxy.records_of(request_id) for request_id in ids]
    proxy.program.wait_until(lambda: proxy.program.stdout.count(ids[1]) == 2, "its lines")
    assert SAID not in proxy.program.stdout + proxy.program.stderr + json.dumps(proxy.records())
    assert (request["content_logged"], response["content_logged"]) == (False, False)
    assert {name for name in KEPT if (request | response)[name] is None} == set()
    assert response["tool_calls"][0] == {"id": "call_1", "name": "look_up", "arguments": None}
    assert refused["error"].startswith("Provider returned 400:")
    assert (request["message_count"], response["tokens"]) == (4, answers.USAGE)
    assert SAID.encode() in upstream.seen[-1].body


def test_a_wish_for_less_keeps_texts_out_of_everything(upstream: ModelUpstream, tmp_path: Path):
    config = provider(upstream.endpoint)
    config["providers"]["shy"] = {"endpoint": upstream.endpoint, "models": ["shy"], "log_content": False}
    with run_proxy(tmp_path, config, env={"LOG_CAPTURE_MODE": "full"}) as proxy:
        check_kept_out(proxy, upstream, **{"X-Log-Content": "none"})
        check_kept_out(proxy, upstream, "shy")
        check_kept_out(proxy, upstream, "shy", **{"X-Log-Content": "all"})
        kept = proxy.records_of(call(proxy, ask("say it")).request_id).request
        assert (kept["user_question"], kept["content_logged"]) == ("say it", True)


def test_a_whole_configuration_without_texts(upstream: ModelUpstream, tmp_path: Path):
    config = {**provider(upstream.endpoint), "log_content": False}
    with run_proxy(tmp_path, config, env={"LOG_CAPTURE_MODE": "full"}) as proxy:
        check_kept_out(proxy, upstream)
        check_kept_out(proxy, upstream, **{"X-Log-Content": "all"})


def test_usage_of_a_stream_is_asked_for_where_wanted_and_the_client_sees_it(upstream: ModelUpstream, tmp_path: Path):
    with run_proxy(tmp_path, provider(upstream.endpoint, stream_usage=True)) as proxy:
        answer = call(proxy, ask(stream=True))
        request, response = proxy.records_of(answer.request_id)
        plain = call(proxy, ask())
        assert proxy.records_of(plain.request_id).request["edits"] == []
    assert upstream.seen[0].json()["stream_options"] == {"include_usage": True}
    assert "stream_options" not in upstream.seen[1].json()
    events = [json.loads(line[6:]) for line in answer.body.splitlines() if line.startswith(b"data: {")]
    assert events[-1]["choices"] == []
    assert events[-1]["usage"] == response["tokens"] == answers.USAGE
    assert request["edits"] == ["stream_usage"]
    assert "stream_options" not in json.loads(request["params"])


def test_usage_is_not_asked_for_by_itself(proxy: Proxy, upstream: ModelUpstream):
    call(proxy, ask(stream=True))
    assert "stream_options" not in upstream.seen[0].json()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_compressed_answer_is_passed_on_as_it_is_and_read(
    proxy: Proxy, upstream: ModelUpstream, coding: str, stream: bool
):
    plain = b"".join(answers.chat_events(*answers.CONTENT_DELTAS)) if stream else answers.dump(answers.chat())
    body = CODINGS[coding](plain)
    kind = "text/event-stream" if stream else "application/json"
    upstream.play(answers.answer(body, headers={"content-encoding": coding}, content_type=kind))
    answer = call(proxy, ask(stream=stream), headers={"Accept-Encoding": coding})
    assert (answer.body, answer.headers["content-encoding"]) == (body, coding)
    response = proxy.records_of(answer.request_id).response
    assert (response["content"], response["tokens"], response["error"]) == ("Hello, world", answers.USAGE, None)


def test_a_line_comes_at_once_and_its_chunk_file_at_the_interval(upstream: ModelUpstream, tmp_path: Path):
    with run_proxy(tmp_path, provider(upstream.endpoint), env={"FLUSH_INTERVAL": "600"}) as proxy:
        call(proxy, ask("q" * 500), headers={"Origin": "https://app.example.org"})
        proxy.program.wait_until(lambda: proxy.program.stdout.count("\n") >= 2, "both lines", 5)
        lines = proxy.program.stdout.splitlines()
        assert proxy.records() == []
    assert '"origin":"https://app.example.org"' in lines[0]
    assert json.loads(lines[0])["user_question"] == "q" * 500
    assert [json.loads(line)["type"] for line in lines] == ["request", "response"]
    assert len(proxy.records()) == 2


def test_lines_are_cut_once_the_store_has_taken_its_first_file(upstream: ModelUpstream, tmp_path: Path):
    env = {"LOG_STDOUT_MAX_FIELD": "50", "LOG_CAPTURE_MODE": "full"}
    origin = "https://" + "o" * 100
    with run_proxy(tmp_path, provider(upstream.endpoint), env=env) as proxy:
        call(proxy, ask("q" * 500))
        wait_until(lambda: proxy.health()["logging"]["store"]["shipped_files"], "the first file in the store")
        answer = call(proxy, ask("q" * 500), headers={"Origin": origin})
        stored = proxy.records_of(answer.request_id).request
        proxy.program.wait_until(lambda: answer.request_id in proxy.program.stdout, "its line")
        lines = [json.loads(line) for line in proxy.program.stdout.splitlines()]
    whole, cut = [record for record in lines if record["type"] == "request"]
    assert (len(whole["user_question"]), len(whole["messages"])) == (500, 1)
    assert (len(cut["user_question"]), "messages" in cut, cut["origin"]) == (50, False, origin)
    assert (len(stored["user_question"]), len(stored["messages"])) == (500, 1)


def test_lines_are_whole_where_stdout_is_the_only_place(upstream: ModelUpstream, tmp_path: Path):
    env = {"LOG_DIR": "", "LOG_STDOUT_MAX_FIELD": "50", "LOG_CAPTURE_MODE": "full"}
    with run_proxy(tmp_path, provider(upstream.endpoint), env=env) as proxy:
        for _ in range(2):
            call(proxy, {**CONVERSATION, "stop": "s" * 500})
        proxy.program.wait_until(lambda: proxy.program.stdout.count("\n") >= 6, "all lines")
        lines = [json.loads(line) for line in proxy.program.stdout.splitlines()]
    kinds = [record["type"] for record in lines]
    assert sorted(kinds) == ["request", "request", "response", "response", "system_prompt", "tools"]
    assert all("s" * 500 in record["params"] for record in lines if record["type"] == "request")


def test_a_terminal_gets_a_short_line_a_call(upstream: ModelUpstream, tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps(provider(upstream.endpoint)))
    ours, theirs = pty.openpty()
    env = plain_environment(tmp_path) | {"PROXY_KEY": KEY, "SPOOL_DIR": str(tmp_path / "spool"), "METRICS_PORT": "0"}
    command = [*map(str, COMMAND), "--config", str(tmp_path / "config.json")]
    with (tmp_path / "stderr").open("wb") as err:
        serving = subprocess.Popen(command, env=env, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=err)
    os.close(theirs)
    try:
        wait_until(lambda: LISTENING.search((tmp_path / "stderr").read_text()), "the line with the address")
        found = LISTENING.search((tmp_path / "stderr").read_text())
        assert found
        caller = Proxy.__new__(Proxy)
        caller.port, caller.key = int(found[2]), KEY
        assert call(caller, ask(), headers={"Origin": "https://geo.example.org"}).status == 200
        shown = os.read(ours, 4096).decode()
    finally:
        serving.terminate()
        assert serving.wait(20) == 0
        os.close(ours)
    time, status, model, where, took, *rest = shown.split()
    assert (status, model, where) == ("200", "m", "up")
    assert time.count(":") == 2
    assert took.isdigit()
    assert rest == ["ms", "3+2", "tokens", "geo"]


def test_health_tells_what_waits_while_the_store_is_down(upstream: ModelUpstream, tmp_path: Path):
    with run_proxy(tmp_path, provider(upstream.endpoint)) as proxy:

        def logging() -> dict[str, Any]:
            return proxy.health()["logging"]

        proxy.log_dir.rename(tmp_path / "aside")
        proxy.log_dir.write_text("no folder")
        for _ in range(3):
            call(proxy, ask())
        wait_until(lambda: logging()["store"]["failed_attempts"] and logging()["windows_checked"], "a failed attempt")
        wait_until(lambda: logging()["store"]["oldest_unshipped_s"] > 0, "an age")
        wait_until(lambda: logging()["store"]["outbox_files"] and logging()["store"]["outbox_bytes"], "files that wait")
        wait_until(lambda: logging()["records"]["recorded"] == 6, "all recorded")
        health = logging()
        assert health["records"] == dict.fromkeys(("accepted", "spooled", "recorded"), 6) | dict.fromkeys(
            ("shipped", "lost", "unreadable"), 0
        )
        assert (health["store"]["state"], health["imbalance_windows"]) == ("failing", 0)
        proxy.log_dir.unlink()
        wait_until(lambda: logging()["records"]["shipped"] == 6, "all shipped", 45)
        wait_until(lambda: logging()["store"]["outbox_files"] == 0, "an empty outbox")
        assert (logging()["store"]["state"], logging()["store"]["oldest_unshipped_s"]) == ("ok", 0)


def test_a_bucket_still_named_by_its_placeholder_is_refused_and_serving_goes_on(
    upstream: ModelUpstream, tmp_path: Path
):
    env = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "LOG_BUCKET": "logs-<your-namespace>"}
    with run_proxy(tmp_path, provider(upstream.endpoint), env=env) as proxy:
        assert call(proxy, ask("q" * 500)).status == 200
        proxy.program.wait_until(lambda: proxy.program.stdout.count("\n") >= 2, "both lines")
        store = proxy.health()["logging"]["store"]
        assert (store["state"], "LOG_BUCKET still holds a placeholder" in store["last_error"]) == ("failing", True)
        assert "put your bucket's name there" in proxy.program.stderr
        assert json.loads(proxy.program.stdout.splitlines()[0])["user_question"] == "q" * 500
    assert not proxy.log_dir.exists()


DATA = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
ENCODED = base64.b64encode(DATA).decode()
FORM = (
    b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper\r\n'
    b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\ncontent-type: audio/wav\r\n\r\n' + DATA + b"\r\n--x--\r\n"
)  # fmt: skip
OTHERS: dict[str, tuple[str, bytes | dict[str, Any], dict[str, str], bytes]] = {
    "embeddings": (
        "/v1/embeddings",
        {"model": "m", "input": "Hello"},
        {},
        answers.answer(answers.dump({"object": "list", "data": [{"embedding": ENCODED}], "usage": answers.USAGE})),
    ),
    "images": (
        "/v1/images/generations",
        {"model": "m", "prompt": "a map", "image": f"data:image/png;base64,{ENCODED}"},
        {},
        answers.answer(answers.dump({"created": 1, "data": [{"b64_json": ENCODED}]})),
    ),
    "speech": (
        "/v1/audio/speech",
        {"model": "m", "input": "Hello", "voice": "v"},
        {},
        answers.answer(DATA, content_type="audio/wav"),
    ),
    "a form": (
        "/v1/audio/transcriptions",
        FORM,
        {"Content-Type": "multipart/form-data; boundary=x"},
        answers.answer(b'{"text":"Hello"}'),
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_endpoints_have_the_common_fields_and_none_of_the_bytes(proxy: Proxy, upstream: ModelUpstream, kind: str):
    path, body, headers, answered = OTHERS[kind]
    upstream.play(answered)
    answer = call(proxy, body, path, headers=headers)
    request, response = proxy.records_of(answer.request_id)
    sent = upstream.seen[0].body
    assert (request["endpoint"], request["model"], request["message_count"]) == (
        path,
        "whisper" if kind == "a form" else "m",
        None,
    )
    assert (request["request_bytes"], response["response_bytes"]) == (len(sent), len(answer.body))
    assert (response["status"], response["error"]) == (200, None)
    written = json.dumps([request, response])
    assert ENCODED[:200] not in written
    assert "\\u0000\\u0001" not in written
    if kind == "speech":
        assert json.loads(response["content"]).items() >= {"omitted": "audio/wav", "bytes": len(DATA)}.items()
    if kind == "a form":
        assert "audio/wav" in request["params"]
        assert str(len(DATA)) in request["params"]
