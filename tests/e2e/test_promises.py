"""What the README promises a newcomer."""

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tests.parts import answers
from tests.parts.http_client import ask, call, send
from tests.parts.model_upstream import Hold, ModelUpstream, Seen
from tests.parts.processes import plain_environment, wait_until
from tests.parts.proxy import COMMAND, CallRecords, Proxy, provider, run_proxy
from tests.parts.requirement import require

CONFIG = json.loads((Path(__file__).parents[2] / "config.json").read_text())
TRY = re.compile(r"^(?:.*try +)?(curl .*)\n", re.MULTILINE)
CHUNK_NAME = re.compile(r"\d\d-\d\d-\d\d-.+-\d+-.+\.jsonl")
# Each model that the original's README names, and where its table sends it.
README_MODELS = {
    **dict.fromkeys(("kimi", "qwen3", "glm-4.7", "minimax-m2", "gpt-oss", "gemma", "never-heard-of-it"), "nrp"),
    "nemotron": "nimbus",
    "anthropic/claude-sonnet-4-5": "openrouter",
    "mistralai/mistral-large": "openrouter",
    "openai/gpt-5": "openrouter",
    "qwen/qwen3-max": "openrouter",
    "nvidia/nemotron-nano": "openrouter",
    "amazon/nova-pro-v1": "openrouter",
}
KEYS = {
    "NRP_API_KEY": "sk-of-nrp",
    "OPENROUTER_KEY": "sk-of-openrouter",
    "ANTHROPIC_API_KEY": "sk-of-anthropic",
    "NIMBUS_API_KEY": "sk-of-nimbus",
}


def shipped_config_at(upstream: ModelUpstream) -> dict[str, Any]:
    """The shipped config with each provider's host replaced by ours."""
    text = json.dumps({name: value for name, value in CONFIG.items() if name != "$schema"})
    return json.loads(re.sub(r'"https://([^/"]+)(/[^"]*/chat/completions)"', rf'"{upstream.url}/\1\2"', text))


@pytest.fixture(scope="module")
def shipped(shared_upstream: ModelUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("shipped")
    with run_proxy(folder, shipped_config_at(shared_upstream), env=KEYS) as running:
        yield running


@pytest.mark.parametrize(("model", "home"), README_MODELS.items())
def test_every_model_the_readme_names_reaches_its_provider(
    shipped: Proxy, upstream: ModelUpstream, model: str, home: str
):
    answer = call(shipped, ask(model=model))
    assert (answer.status, answer.headers["x-llm-provider"]) == (200, home)
    variable = CONFIG["providers"][home]["api_key_env"]
    assert upstream.seen[0].header("authorization") == f"Bearer {KEYS[variable]}"
    assert upstream.seen[0].json()["model"] == model


def test_thinking_goes_as_the_provider_wants_it(shipped: Proxy, upstream: ModelUpstream):
    call(shipped, ask(model="kimi", enable_thinking=True))
    call(shipped, ask(model="qwen3", enable_thinking=False))
    call(shipped, ask(model="nemotron", enable_thinking=True))
    sent = [seen.json() for seen in upstream.seen]
    assert [one.get("chat_template_kwargs") for one in sent] == [{"thinking": True}, {"enable_thinking": False}, None]
    assert not any("enable_thinking" in one for one in sent)


def test_the_trimmed_config_works_as_it_is(upstream: ModelUpstream, tmp_path: Path):
    endpoint = f"{upstream.url}/v1/chat/completions"
    nrp = {"endpoint": endpoint, "api_key_env": "NRP_API_KEY", "models": ["kimi", "qwen3", "glm-4.7"]}
    with run_proxy(tmp_path, {"providers": {"nrp": nrp}}, env=KEYS) as proxy:
        assert call(proxy, ask(model="kimi")).status == 200
        assert call(proxy, ask(model="anything")).status == 200
        health = proxy.health()
    assert health["providers"] == {"nrp": {"configured": True, "endpoint": endpoint}}
    assert health["proxy_key_configured"] is True


def test_a_provider_without_a_key_gets_none(upstream: ModelUpstream, tmp_path: Path):
    config = {"providers": {"laptop": {"endpoint": upstream.endpoint}}, "default_provider": "laptop"}
    with run_proxy(tmp_path, config) as proxy:
        for headers in ({}, {"Authorization": "", "x-api-key": proxy.key}):
            assert call(proxy, ask(), headers=headers).status == 200
        assert call(proxy, ask(), "/v1/messages", headers={"anthropic-version": "2023-06-01"}).status == 200
    for seen in upstream.seen:
        assert seen.header("authorization") is None
        assert seen.header("x-api-key") is None


def test_the_demo_answers_to_the_line_it_prints(tmp_path: Path):
    require("curl")
    # Nothing of what the shell holds may take the demo's records elsewhere.
    store = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "LOG_STORE": "s3://elsewhere", "PROXY_KEY": ""}
    with run_proxy(tmp_path, env=store | {"FLUSH_INTERVAL": ""}, arguments=["--demo"]) as proxy:
        proxy.program.wait_until(lambda: TRY.search(proxy.program.stderr), "the line to try")
        line = TRY.search(proxy.program.stderr)
        assert line
        done = subprocess.run(
            ["sh", "-c", f"{line[1]} --silent --include"], capture_output=True, text=True, check=True, timeout=30
        )
        head, _, body = done.stdout.partition("\n\n")
        assert "stand-in" in json.loads(body)["choices"][0]["message"]["content"]
        found = re.search(r"x-llm-request-id: (\w{32})", head)
        assert found
        pair = proxy.records_of(found[1])
        assert pair.request["user_question"] == "Hello"
        records = [json.loads(text) for text in proxy.program.stdout.splitlines()]
    assert {record["type"] for record in records} == {"request", "response"}
    assert "ended with status" not in proxy.program.stderr


def test_each_call_is_on_record_in_the_buckets_layout(proxy: Proxy, upstream: ModelUpstream):
    headers = {"Origin": "https://app.example.org", "X-Client": "geo-agent/v1", "x-request-id": "mine"}
    answer = call(proxy, ask("How far?", user="s-1", seed=7), headers=headers)
    request, response = proxy.records_of(answer.request_id)
    assert answer.headers["x-request-id"] == response["upstream_request_id"] == "req-of-provider"
    same = {"session_id": "s-1", "client": "geo-agent/v1", "origin": "https://app.example.org", "provider": "up"}
    for record in (request, response):
        assert record.items() >= (same | {"model": "m", "key": "default", "request_id": answer.request_id}).items()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record["timestamp"])
    assert request["user_question"] == request["user_message_this_turn"] == "How far?"
    assert json.loads(request["params"])["seed"] == 7
    assert request["client_request_id"] == "mine"
    assert (response["content"], response["tokens"], response["status"]) == ("Hello, world", answers.USAGE, 200)
    assert response["error"] is None
    assert response["response_sha256"] == hashlib.sha256(answer.body).hexdigest()
    days = list(proxy.log_dir.iterdir())
    assert [day.name for day in days if day.is_dir()] == [request["timestamp"][:10]]
    assert all(CHUNK_NAME.fullmatch(file.name) for file in days[0].glob("*.jsonl"))


def test_a_streamed_answer_yields_the_same_record(proxy: Proxy, upstream: ModelUpstream):
    plain, streamed = _responses(proxy)
    own = {
        "timestamp",
        "request_id",
        "latency_ms",
        "ttft_ms",
        "response_bytes",
        "response_sha256",
        "upstream_request_id",
    }
    for one, other in zip(plain, streamed, strict=True):
        assert {name: value for name, value in one.items() if name not in own} == {
            name: value for name, value in other.items() if name not in own
        }


def _responses(proxy: Proxy) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    def response(stream: bool, more: dict[str, Any]) -> dict[str, Any]:
        return proxy.records_of(call(proxy, ask(stream=stream, **more)).request_id).response

    kinds: list[dict[str, Any]] = [{}, {"tools": [answers.TOOL]}]
    return [response(False, kind) for kind in kinds], [response(True, kind) for kind in kinds]


def test_the_body_goes_upstream_byte_for_byte(proxy: Proxy, upstream: ModelUpstream):
    odd = (
        b'{ "model" :"m",\t"usage":{"include":true}, "seed":1e0, "x":1.0000000000000000001, "big":123456789012345678901,'
        b'\n "messages":[{"role":"user","content":"\\u00e9 \xc3\xa9 \\ud83d\\ude00"}] ,'
        b' "provider" : {"order":["a"]} }\r\n'
    )
    answer = call(proxy, odd)
    sent = upstream.seen[0].body
    assert hashlib.sha256(sent).digest() == hashlib.sha256(odd).digest()
    request = proxy.records_of(answer.request_id).request
    assert request["edits"] == []
    assert request["request_sha256"] == hashlib.sha256(odd).hexdigest()


NEVER = {
    "Cookie": "session=secret-cookie",
    "Origin": "https://app.example.org",
    "Referer": "https://app.example.org/page",
    "X-Forwarded-For": "10.1.2.3",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "inner",
    "Forwarded": "for=10.1.2.3",
    "X-Real-IP": "10.1.2.3",
    "X-Client": "geo-agent/v1",
    "X-Session-Id": "s-2",
    "Connection": "keep-alive, x-hop",
    "X-Hop": "hop",
    "TE": "trailers",
    "Proxy-Authorization": "Basic c2VjcmV0",
}
ALWAYS = {
    "accept": "text/event-stream",
    "user-agent": "my-app/1",
    "openai-beta": "assistants=v2",
    "idempotency-key": "idem-1",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}


@pytest.mark.parametrize("with_x_api_key", [False, True])
def test_what_the_client_says_of_itself_stays_here(proxy: Proxy, upstream: ModelUpstream, with_x_api_key: bool):
    key = {"Authorization": "", "x-api-key": proxy.key} if with_x_api_key else {}
    assert call(proxy, ask(), headers=NEVER | ALWAYS | key).status == 200
    seen: Seen = upstream.seen[0]
    names = {name for name, _ in seen.headers}
    assert not names & {name.lower() for name in NEVER} - {"connection"}
    assert proxy.key.encode() not in seen.raw_head
    assert seen.header("authorization") == "Bearer sk-provider-key"
    assert "x-api-key" not in names
    assert {name: seen.header(name) for name in ALWAYS} == ALWAYS


def test_a_stream_is_not_gathered(proxy: Proxy, upstream: ModelUpstream):
    go_on, pieces = Event(), answers.stream(answers.chat_events(*answers.CONTENT_DELTAS))
    upstream.play(*pieces[:2], Hold(go_on), *pieces[2:])
    connection = send(proxy, ask(stream=True))
    response = connection.getresponse()
    assert response.headers["x-accel-buffering"] == "no"
    first = response.readline()
    assert b'"role": "assistant"' in first
    assert not upstream.seen[0].done.is_set()
    go_on.set()
    assert response.read().endswith(b"data: [DONE]\n\n")
    connection.close()


def test_records_of_refused_calls(proxy: Proxy, upstream: ModelUpstream):
    unauthorized = proxy.health()["unauthorized"]
    assert call(proxy, ask(), headers={"Authorization": "Bearer wrong"}).status == 401
    refused = call(proxy, ask(model=""))
    pair: CallRecords = proxy.records_of(refused.request_id)
    assert (refused.status, pair.response["status"], pair.request["provider"]) == (400, 400, "unrouted")
    assert proxy.health()["unauthorized"] == unauthorized + 1
    assert upstream.seen == []


def test_workers_share_the_port(upstream: ModelUpstream, tmp_path: Path):
    with run_proxy(tmp_path, provider(upstream.endpoint), arguments=["--workers", "2"]) as proxy:
        ids = [call(proxy, ask()).request_id for _ in range(20)]
        for request_id in ids:
            proxy.records_of(request_id)
        wait_until(lambda: proxy.health()["logging"]["records"]["recorded"] == 40, "the counts of both workers")


def test_a_slow_turn_behind_an_impatient_client_is_kept_where_wanted(upstream: ModelUpstream, tmp_path: Path):
    go_on = Event()
    upstream.play(Hold(go_on), answers.answer(answers.dump(answers.chat())))
    with run_proxy(tmp_path, {**provider(upstream.endpoint), "on_client_gone": "finish"}) as proxy:
        connection = send(proxy, ask())
        seen = upstream.wait_for_calls()
        connection.close()
        go_on.set()
        assert seen.done.wait(20)
        assert not seen.left.is_set()
        pair = proxy.calls(1)[0]
    assert pair.response["content"] == "Hello, world"
    assert pair.response["error"].startswith("Client disconnected/cancelled after ")


def test_a_changed_file_is_taken_and_a_wrong_one_refused(upstream: ModelUpstream, tmp_path: Path):
    config = provider(upstream.endpoint)
    with run_proxy(tmp_path, config) as proxy:
        proxy.config_path.write_text(
            json.dumps({**config, "providers": {"renamed": config["providers"]["up"]}, "default_provider": "renamed"})
        )
        wait_until(lambda: call(proxy, ask()).headers["x-llm-provider"] == "renamed", "the changed file")
        proxy.config_path.write_text('{"providers": 3}')
        proxy.program.wait_until(lambda: "providers" in proxy.program.stderr, "the refusal")
        assert call(proxy, ask()).headers["x-llm-provider"] == "renamed"


def test_a_port_in_use_is_said_with_the_remedy(proxy: Proxy, tmp_path: Path):
    env = plain_environment(tmp_path) | {"PROXY_KEY": "k", "SPOOL_DIR": str(tmp_path / "spool"), "METRICS_PORT": "0"}
    command = [COMMAND[0], "serve", "--host", "127.0.0.1", "--port", str(proxy.port)]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert str(proxy.port) in done.stderr
    assert "Traceback" not in done.stderr
