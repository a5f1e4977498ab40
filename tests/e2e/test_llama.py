"""llama.cpp as the provider: a real model server, its own errors and its own shapes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anthropic
import openai
import pytest
from tests.parts import answers
from tests.parts.llama import KEY, MODEL, run_llama
from tests.parts.mcp_server import EXAMPLE, command_line
from tests.parts.processes import plain_environment
from tests.parts.proxy import Proxy, run_proxy

pytestmark = pytest.mark.slow
RUNNER: Final = Path(__file__).parents[2] / "agent_runner.py"
QUESTION: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    make = tmp_path_factory.mktemp
    with run_llama(make("chat")) as chat, run_llama(make("embeddings"), embeddings=True) as embeddings:
        providers = {
            "llama": {"endpoint": f"{chat}/v1/chat/completions", "api_key_env": "LLAMA_KEY", "models": [MODEL]},
            "embed": {"endpoint": f"{embeddings}/v1/chat/completions", "api_key_env": "LLAMA_KEY", "models": ["embed"]},
            "keyless": {"endpoint": f"{chat}/v1/chat/completions", "models": ["keyless"]},
        }
        with run_proxy(make("proxy"), {"providers": providers}, env={"LLAMA_KEY": KEY}) as running:
            yield running


@pytest.fixture
def client(proxy: Proxy) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=proxy.base_url, api_key=proxy.key, max_retries=0) as made:
        yield made


def test_plain(proxy: Proxy, client: openai.OpenAI):
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=QUESTION, max_tokens=8, seed=1)
    answer = raw.parse()
    content = answer.choices[0].message.content
    assert content
    assert content.isalpha()
    assert answer.usage
    record = proxy.records_of(raw.headers["x-llm-request-id"]).response
    assert (record["content"], record["finish_reason"]) == (content, "length")
    assert record["tokens"]["completion_tokens"] == answer.usage.completion_tokens == 8


def test_streamed(proxy: Proxy, client: openai.OpenAI):
    with client.chat.completions.with_streaming_response.create(
        model=MODEL, messages=QUESTION, max_tokens=8, stream=True, stream_options={"include_usage": True}
    ) as raw:
        chunks = list(raw.parse())
        request_id = raw.headers["x-llm-request-id"]
    content = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    assert len(content) == 8
    record = proxy.records_of(request_id).response
    assert record["content"] == content
    assert record["tokens"]["completion_tokens"] == 8
    assert record["ttft_ms"] is not None


def test_tools_reach_the_models_prompt(client: openai.OpenAI):
    tool: Any = answers.TOOL
    without = client.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=1).usage
    offered = client.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=1, tools=[tool]).usage
    assert without
    assert offered
    assert offered.prompt_tokens > without.prompt_tokens + 100


def test_an_answer_held_to_a_schema(client: openai.OpenAI):
    schema = {"type": "object", "properties": {"n": {"enum": [7]}}, "required": ["n"], "additionalProperties": False}
    form: Any = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    answer = client.chat.completions.create(model=MODEL, messages=QUESTION, response_format=form, max_tokens=64)
    assert json.loads(answer.choices[0].message.content or "") == {"n": 7}


def test_responses(proxy: Proxy, client: openai.OpenAI):
    raw = client.responses.with_raw_response.create(model=MODEL, input="Hello", max_output_tokens=8)
    answer = raw.parse()
    assert len(answer.output_text) == 8
    events = list(client.responses.create(model=MODEL, input="Hello", max_output_tokens=8, stream=True))
    assert events[-1].type == "response.completed"
    assert proxy.records_of(raw.headers["x-llm-request-id"]).response["content"] == answer.output_text


def test_messages(proxy: Proxy):
    with anthropic.Anthropic(base_url=proxy.url, api_key=proxy.key, max_retries=0) as client:
        plain = client.messages.create(model=MODEL, max_tokens=8, messages=QUESTION)
        with client.messages.stream(model=MODEL, max_tokens=8, messages=QUESTION) as stream:
            text = "".join(stream.text_stream)
    assert plain.stop_reason == "max_tokens"
    assert len(text) == 8


def test_embeddings(client: openai.OpenAI):
    made = client.embeddings.create(model="embed", input="Hello", encoding_format="float")
    assert len(made.data[0].embedding) == 64


def test_a_prompt_over_its_context(client: openai.OpenAI):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x" * 3000}])
    assert caught.value.type == "exceed_context_size_error"


def test_without_a_key_none_goes_and_its_401_comes_back(client: openai.OpenAI):
    with pytest.raises(openai.AuthenticationError) as caught:
        client.chat.completions.create(model="keyless", messages=QUESTION)
    assert "Invalid API Key" in caught.value.message


def test_models(client: openai.OpenAI):
    assert MODEL in [model.id for model in client.models.list()]


def test_an_agents_session(proxy: Proxy, tmp_path: Path):
    kept = tmp_path / "t.json"
    tools = ["--mcp-command", command_line(EXAMPLE), "--mcp-prompt", "analyst"]
    arguments = ["--model", MODEL, "--proxy-url", proxy.base_url, "--api-key", proxy.key, "--seed", "1", *tools]
    for more in ([], ["--stream"]):
        command = [sys.executable, RUNNER, "How many?", *arguments, *more, "--transcript", str(kept), "--quiet"]
        done = subprocess.run(command, env=plain_environment(tmp_path), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        turn = json.loads(kept.read_text())["turns"][0]
        record = proxy.records_of(turn["request_id"])
        assert record.response["content"] == turn["content"] == done.stdout.removesuffix("\n")
        assert record.response["tokens"]["completion_tokens"] == turn["usage"]["completion_tokens"]
        assert record.request["tools_count"] == 2
