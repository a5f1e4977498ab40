"""What others paid for, each named by its symptom. (Names, condensing and uploads are tested where they live.)"""

import http.client
import json
import os
import re
import subprocess
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tests.parts import answers
from tests.parts.http_client import ask, call, send
from tests.parts.model_upstream import Close, Cut, Hold, ModelUpstream
from tests.parts.processes import wait_until
from tests.parts.proxy import COMMAND, Proxy, provider, run_proxy


def test_response_records_missing_for_hours(proxy: Proxy, upstream: ModelUpstream):
    before = proxy.health()["logging"]["records"]["accepted"]
    upstream.play(Cut())
    bodies: list[dict[str, Any]] = [
        ask(),
        ask(stream=True),
        ask(tools=[answers.TOOL]),
        ask(model="error-500"),
        ask(model=""),
    ]
    ids = {call(proxy, body).request_id for body in bodies}
    assert len(ids) == len(bodies)
    for request_id in ids:
        proxy.records_of(request_id)

    def records() -> dict[str, int]:
        return proxy.health()["logging"]["records"]

    wait_until(lambda: records()["accepted"] == before + 2 * len(bodies), "two records a call")
    wait_until(lambda: records()["recorded"] == records()["accepted"], "all of them recorded")
    assert records()["accepted"] == records()["spooled"]
    assert records()["lost"] == records()["unreadable"] == 0


def test_chunks_of_two_pods_overwrite_each_other(upstream: ModelUpstream, tmp_path: Path):
    shared = {"LOG_DIR": str(tmp_path / "bucket")}
    config = provider(upstream.endpoint)
    with run_proxy(tmp_path / "a", config, env=shared) as one, run_proxy(tmp_path / "b", config, env=shared) as two:
        one.log_dir = two.log_dir = tmp_path / "bucket"
        ids = [call(proxy, ask()).request_id for proxy in (one, two) * 10]
        for request_id in ids:
            one.records_of(request_id)


def test_a_failed_flush_drops_its_batch(upstream: ModelUpstream, tmp_path: Path):
    with run_proxy(tmp_path, provider(upstream.endpoint)) as proxy:
        first = call(proxy, ask())
        proxy.records_of(first.request_id)
        aside = tmp_path / "aside"
        proxy.log_dir.rename(aside)
        proxy.log_dir.write_text("no folder")
        during = [call(proxy, ask()) for _ in range(3)]
        assert {answer.status for answer in during} == {200}
        wait_until(lambda: proxy.health()["logging"]["store"]["state"] == "failing", "a store that is failing")
        health = proxy.health()
        assert health["status"] == "healthy"
        assert health["logging"]["store"]["last_error"]
        proxy.log_dir.unlink()
        aside.rename(proxy.log_dir)
        wait_until(lambda: proxy.health()["logging"]["store"]["state"] == "ok", "a store that works again", 45)
        for answer in during:
            proxy.records_of(answer.request_id)


def test_what_was_accepted_is_recorded_after_a_kill(upstream: ModelUpstream, tmp_path: Path):
    config = provider(upstream.endpoint)
    with run_proxy(tmp_path, config, env={"FLUSH_INTERVAL": "60"}) as proxy:
        ids = [call(proxy, ask()).request_id for _ in range(5)]
        proxy.program.kill_all()
        assert proxy.records() == []
    with run_proxy(tmp_path, config) as proxy:
        for request_id in ids:
            proxy.records_of(request_id)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_gave_up_leaves_no_record_and_its_call_runs_on(
    proxy: Proxy, upstream: ModelUpstream, stream: bool
):
    pieces = answers.stream(answers.chat_events(*answers.CONTENT_DELTAS))
    upstream.play(*(pieces[:3] if stream else ()), Hold(Event()))
    connection = send(proxy, ask(f"gave up {stream}", stream=stream))
    seen = upstream.wait_for_calls()
    if stream:
        response = connection.getresponse()
        response.readline()
        response.close()
    connection.close()
    assert seen.left.wait(20)
    found: list[str] = []

    def known() -> bool:
        found[:] = [one["request_id"] for one in proxy.records() if one.get("user_question") == f"gave up {stream}"]
        return bool(found)

    wait_until(known, "the request's record")
    response_record = proxy.records_of(found[0]).response
    assert re.match(r"Client disconnected/cancelled after \d+ms", response_record["error"])
    assert response_record["content"] == ("Hello" if stream else None)


def test_slow_models_die_at_600_s(upstream: ModelUpstream, tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps(provider(upstream.endpoint)))
    shown = subprocess.run(
        [*COMMAND, "--show-config"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PROXY_KEY": "k"},
    ).stdout  # fmt: skip
    assert re.search(r"^timeouts\.between_bytes_s = 1200(\.0)?\b", shown, re.MULTILINE)
    with run_proxy(tmp_path, provider(upstream.endpoint), env={"UPSTREAM_TIMEOUT_SECONDS": "0.3"}) as proxy:
        upstream.play(Hold(Event()))
        answer = call(proxy, ask())
        assert (answer.status, answer.json()["error"]["code"]) == (504, "provider_timeout")
        assert re.match(r"Request timed out after \d+ms", proxy.records_of(answer.request_id).response["error"])


def test_unknown_fields_are_dropped_in_silence(proxy: Proxy, upstream: ModelUpstream):
    odd = ask(seed=7, top_p=0.1, usage={"include": True}, provider={"order": ["a"]}, never_heard_of={"x": [None]})
    call(proxy, odd)
    assert upstream.seen[0].json() == odd


def test_a_forced_temperature_breaks_models_that_refuse_it(proxy: Proxy, upstream: ModelUpstream):
    call(proxy, ask())
    assert set(upstream.seen[0].json()) == {"model", "messages"}


SECRET = "Zq9hT4vK2nW8sD1xC7bL"


def test_keys_turn_up_inside_logged_tool_calls(upstream: ModelUpstream, tmp_path: Path):
    inner = json.dumps({"query": f"CREATE SECRET (KEY_ID 'id{SECRET}', SECRET '{SECRET}')", "s3_secret": SECRET})
    arguments = json.dumps({"sql": inner, "api_key": SECRET, "url": f"https://h/x?X-Amz-Signature={SECRET}"})
    tool_call = {"id": "call_1", "type": "function", "function": {"name": "query", "arguments": arguments}}
    upstream.play(answers.answer(answers.dump(answers.chat(f"sk-{SECRET} and sk-provider", tool_calls=[tool_call]))))
    messages = [
        {"role": "system", "content": f"password={SECRET}"},
        {"role": "user", "content": f"Bearer {SECRET}"},
        {"role": "assistant", "content": None, "tool_calls": [tool_call]},
        {
            "role": "tool",
            "tool_call_id": "call_1",
            "content": json.dumps({"rows": [{"aws_secret_access_key": SECRET}]}),
        },
    ]
    env = {"LOG_CAPTURE_MODE": "full", "UP_KEY": "provider-key-that-the-proxy-knows"}
    with run_proxy(tmp_path, provider(upstream.endpoint, api_key_env="UP_KEY"), env=env) as proxy:
        answer = call(proxy, {"model": "m", "messages": messages, "note": env["UP_KEY"], "user": proxy.key})
        assert SECRET in answer.body.decode()
        assert SECRET in upstream.seen[0].body.decode()
        pair = proxy.records_of(answer.request_id)
        assert "[REDACTED]" in pair.response["tool_calls"][0]["arguments"]
        wait_until(lambda: proxy.program.stdout.count("\n") >= 2, "the records on stdout")
        written = [file.read_text() for file in proxy.log_dir.rglob("*.jsonl")] + [proxy.program.stdout]
        for text in [*written, proxy.program.stderr]:
            assert SECRET not in text
            assert env["UP_KEY"] not in text
            assert proxy.key not in text


def test_model_lists_go_stale(proxy: Proxy, upstream: ModelUpstream):
    listed = {"object": "list", "data": [{"id": "fresh-model", "object": "model"}]}
    upstream.play(answers.answer(answers.dump(listed)))
    found = call(proxy, None, "/v1/models?refresh=true", method="GET").json()
    assert [model["id"] for model in found["data"]] == ["fresh-model"]
    assert found["providers"]["up"]["status"] == "ok"
    upstream.play(Cut())
    upstream.play(Cut())
    again = call(proxy, None, "/v1/models?refresh=true", method="GET").json()
    assert [model["id"] for model in again["data"]] == ["fresh-model"]
    assert again["providers"]["up"]["status"] == "stale"


def choices(**message: Any) -> dict[str, Any]:
    return {
        **answers.chat(),
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}],
    }


ODD_ANSWERS: dict[str, Any] = {
    "choices null": {**answers.chat(), "choices": None},
    "no choices": {**answers.chat(), "choices": []},
    "a choice that is no object": {**answers.chat(), "choices": [3]},
    "a message that is null": {**answers.chat(), "choices": [{"index": 0, "message": None}]},
    "content a list": choices(content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
    "a tool call without a function": choices(content=None, tool_calls=[{"id": "x"}, None, 5]),
    "arguments no string": choices(
        content=None, tool_calls=[{"id": "x", "function": {"name": "n", "arguments": {"a": 1}}}]
    ),
    "usage a string": {**answers.chat(), "usage": "lots"},
    "an array": [1, 2],
    "null": None,
}


@pytest.mark.parametrize("name", ODD_ANSWERS)
def test_an_odd_answer_leaves_no_record(proxy: Proxy, upstream: ModelUpstream, name: str):
    body = answers.dump(ODD_ANSWERS[name])
    upstream.play(answers.answer(body))
    answer = call(proxy, ask())
    assert (answer.status, answer.body) == (200, body)
    response = proxy.records_of(answer.request_id).response
    assert response["status"] == 200
    if name == "content a list":
        assert response["content"] == "ab"


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"", b"\xff\xfe\x00"])
def test_an_answer_that_is_no_json_leaves_no_record(proxy: Proxy, upstream: ModelUpstream, body: bytes):
    upstream.play(answers.answer(body, content_type="text/html"))
    answer = call(proxy, ask())
    assert (answer.status, answer.body) == (200, body)
    assert proxy.records_of(answer.request_id).response["response_bytes"] == len(body)


ODD_MESSAGES: dict[str, Any] = {
    "parts": [
        {"role": "system", "content": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "first"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8gd29ybGQ="}},
                {"type": "input_audio", "input_audio": {"data": "aGVsbG8gd29ybGQ=", "format": "wav"}},
                {"type": "text", "text": "second"},
            ],
        },
    ],
    "nulls": [None, {"role": "user", "content": None}, {"role": None}, 7],
    "no list": "hello",
}


@pytest.mark.parametrize("name", ODD_MESSAGES)
def test_content_as_a_list_of_parts_leaves_no_record(proxy: Proxy, upstream: ModelUpstream, name: str):
    answer = call(proxy, {"model": "m", "messages": ODD_MESSAGES[name]})
    assert answer.status == 200
    request = proxy.records_of(answer.request_id).request
    if name == "parts":
        assert request["user_question"] == "first\nsecond"
        assert "aGVsbG8gd29ybGQ" not in json.dumps(request)


def test_a_200_that_holds_an_error_counts_as_success(proxy: Proxy, upstream: ModelUpstream):
    body = answers.dump(answers.openai_error(402, "insufficient", "This request requires more credits"))
    upstream.play(answers.answer(body))
    answer = call(proxy, ask())
    assert (answer.status, answer.body) == (200, body)
    response = proxy.records_of(answer.request_id).response
    assert "requires more credits" in response["error"]


def test_a_stream_that_breaks_off_looks_whole(proxy: Proxy, upstream: ModelUpstream):
    pieces = answers.stream(answers.chat_events(*answers.CONTENT_DELTAS))
    upstream.play(*pieces[:3], pieces[3][:20], Close())
    connection = send(proxy, ask(stream=True))
    response = connection.getresponse()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()
    connection.close()
    record = proxy.records_of(response.headers["x-llm-request-id"]).response
    assert record["error"]
    assert record["content"] == "Hello"


def test_a_rate_limit_loses_when_to_come_back(proxy: Proxy, upstream: ModelUpstream):
    answer = call(proxy, ask(model="error-429"))
    limits = {"retry-after": "7", "x-ratelimit-limit": "60", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "7"}
    assert answer.headers.items() >= limits.items()
    response = proxy.records_of(answer.request_id).response
    assert response["upstream_headers"].items() >= limits.items()
    assert response["error"].startswith("Provider returned 429: {")


def test_tool_choice_as_an_object_is_an_error(proxy: Proxy, upstream: ModelUpstream):
    choice = {"type": "function", "function": {"name": "look_up"}}
    answer = call(proxy, ask(tools=[answers.TOOL], tool_choice=choice))
    assert answer.status == 200
    assert upstream.seen[0].json()["tool_choice"] == choice
    assert json.loads(proxy.records_of(answer.request_id).request["params"])["tool_choice"] == choice


CLEAR = [
    (b'{"model":null,"messages":[]}', "application/json", 400, "missing_model"),
    (b'{"messages":[]}', "application/json", 400, "missing_model"),
    (b'{"model":["m"]}', "application/json", 400, "missing_model"),
    (b'{"model":', "application/json", 400, "invalid_json"),
    (b'{"model":' * 100_000, "application/json", 400, "invalid_json"),
    (b"[]", "application/json", 400, "invalid_body"),
    (b"", "application/json", 400, "missing_body"),
    (b'{"model":"m","model":"n"}', "application/json", 400, "duplicate_key"),
    (b"model=m", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    (b"\x00\x01", "application/x-protobuf", 415, "unsupported_media_type"),
]


@pytest.mark.parametrize("case", CLEAR, ids=lambda case: f"{case[3]}-{case[0][:16]!r}")
def test_a_wrong_request_gets_an_answer_nobody_can_read(
    proxy: Proxy, upstream: ModelUpstream, case: tuple[bytes, str, int, str]
):
    body, kind, status, code = case
    answer = call(proxy, body, headers={"Content-Type": kind})
    assert (answer.status, answer.json()["error"]["code"]) == (status, code)
    assert set(answer.json()["error"]) == {"message", "type", "code", "param"}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert upstream.seen == []


def test_request_ids_collide(proxy: Proxy, upstream: ModelUpstream):
    ids = [call(proxy, ask()).request_id for _ in range(50)]
    assert len(set(ids)) == 50
    assert ids == sorted(ids)
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)


def test_no_store_grows_memory_for_ever(upstream: ModelUpstream, tmp_path: Path):
    with run_proxy(tmp_path, provider(upstream.endpoint), env={"LOG_DIR": ""}) as proxy:
        for _ in range(20):
            call(proxy, ask("x" * 10_000))
        wait_until(lambda: proxy.program.stdout.count("\n") >= 40, "both records of each call on stdout")

        def waiting_bytes() -> int:
            return sum(file.stat().st_size for file in proxy.spool_dir.rglob("*") if file.is_file())

        wait_until(lambda: waiting_bytes() < 100_000, "a spool that is emptied")
        assert proxy.health()["logging"]["store"]["state"] == "none"


def test_the_browser_apps_checkpoint_gets_a_400(upstream: ModelUpstream, tmp_path: Path):
    strict = provider(upstream.endpoint, drop_tool_choice_without_tools=True)
    with run_proxy(tmp_path, strict) as proxy:
        body = ask(
            tool_choice="none", user="0b6e9a1e-3c55-4d80-9df5-2a8f3f1e7c11", temperature=0.7, enable_thinking=None
        )
        answer = call(proxy, body, headers={"X-Client": "geo-agent/v3.13.1", "Origin": "https://geo.example.org"})
        sent = upstream.seen[0].json()
        assert "tool_choice" not in sent
        assert "enable_thinking" not in sent
        assert sent["temperature"] == 0.7
        message = answer.json()["choices"][0]["message"]
        assert message["content"] == "Hello, world"
        request = proxy.records_of(answer.request_id).request
        assert request["session_id"] == body["user"]
        assert request["edits"]


def test_a_caller_that_wants_no_text_kept(proxy: Proxy, upstream: ModelUpstream):
    answer = call(proxy, ask("please forget me"), headers={"X-Log-Content": "none"})
    pair = proxy.records_of(answer.request_id)
    assert (pair.request["content_logged"], pair.response["content_logged"]) == (False, False)
    assert (pair.request["user_question"], pair.response["content"]) == (None, None)
    assert pair.response["tokens"] == answers.USAGE
    assert "please forget me" not in json.dumps(proxy.records())
    assert "please forget me" not in proxy.program.stdout


def test_a_provider_that_hung_up_on_an_idle_connection_costs_a_502(proxy: Proxy, upstream: ModelUpstream):
    upstream.play(answers.answer(answers.dump(answers.chat())), Close())
    assert call(proxy, ask()).status == 200
    assert call(proxy, ask()).status == 200  # on the connection that is closing, or on a new one
    upstream.play(Cut())
    again = call(proxy, ask())
    response = proxy.records_of(again.request_id).response
    assert (again.status, response["attempts"]) == (200, 2)
