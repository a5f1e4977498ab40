"""The official OpenAI client for Python, synchronous and asynchronous."""

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from tests.parts import answers
from tests.parts.model_upstream import Close, ModelUpstream
from tests.parts.proxy import Proxy

QUESTION: Any = [{"role": "user", "content": "Hello"}]
STATUSES = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
}


@pytest.fixture
def client(proxy: Proxy) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=proxy.base_url, api_key=proxy.key, max_retries=0) as made:
        yield made


def test_plain(client: openai.OpenAI, upstream: ModelUpstream):
    answer = client.chat.completions.create(model="m", messages=QUESTION, temperature=0.5, seed=7)
    assert answer.choices[0].message.content == "Hello, world"
    assert answer.usage
    assert answer.usage.total_tokens == 5
    assert upstream.seen[0].json() == {"messages": QUESTION, "model": "m", "temperature": 0.5, "seed": 7}


def test_streamed(client: openai.OpenAI, upstream: ModelUpstream):
    with client.chat.completions.create(
        model="m", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "Hello, world"
    assert chunks[-1].usage
    assert chunks[-1].usage.total_tokens == 5


def test_tools_plain_and_their_result(client: openai.OpenAI, upstream: ModelUpstream):
    tool: Any = answers.TOOL
    called = client.chat.completions.create(model="m", messages=QUESTION, tools=[tool]).choices[0].message
    assert called.tool_calls
    assert called.tool_calls[0].function.arguments == '{"place":"Rome"}'  # type: ignore[union-attr]
    result: Any = {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": "a city"}
    messages = [*QUESTION, called.model_dump(exclude_none=True), result]
    last = client.chat.completions.create(model="m", messages=messages, tools=[tool])
    assert last.choices[0].message.content == "Hello, world"


def test_tools_streamed(client: openai.OpenAI, upstream: ModelUpstream):
    tool: Any = answers.TOOL
    with client.chat.completions.stream(model="m", messages=QUESTION, tools=[tool]) as stream:
        stream.until_done()
        choice = stream.get_final_completion().choices[0]
    assert choice.message.tool_calls
    assert choice.message.tool_calls[0].function.arguments == '{"place":"Rome"}'
    assert choice.finish_reason == "tool_calls"


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
@pytest.mark.parametrize("stream", [False, True])
def test_a_providers_error_raises_its_class(
    client: openai.OpenAI, upstream: ModelUpstream, status: int, kind: type[openai.APIStatusError], stream: bool
):
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model=f"error-{status}", messages=QUESTION, stream=stream)
    assert caught.value.status_code == status
    assert caught.value.response.headers["x-request-id"] == "req-of-provider"
    assert caught.value.request_id == "req-of-provider"


def test_a_rate_limit_says_when_to_come_back(client: openai.OpenAI, upstream: ModelUpstream):
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="error-429", messages=QUESTION)
    headers = caught.value.response.headers
    assert headers["retry-after"] == "7"
    assert headers["x-ratelimit-remaining"] == "0"


def test_a_wrong_key(proxy: Proxy, upstream: ModelUpstream):
    with (
        openai.OpenAI(base_url=proxy.base_url, api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.chat.completions.create(model="m", messages=QUESTION)
    assert caught.value.code == "invalid_api_key"
    assert upstream.seen == []


def test_our_own_refusal(client: openai.OpenAI, upstream: ModelUpstream):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="", messages=QUESTION)
    assert caught.value.param == "model"
    assert caught.value.code == "missing_model"


def test_a_stream_cut_at_an_event_boundary_raises(client: openai.OpenAI, upstream: ModelUpstream):
    pieces = answers.stream(answers.chat_events(*answers.CONTENT_DELTAS))
    upstream.play(*pieces[:3], Close())
    stream = client.chat.completions.create(model="m", messages=QUESTION, stream=True)
    assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", "Hello"]
    with pytest.raises(openai.APIError):
        next(stream)


def test_embeddings_and_models(client: openai.OpenAI, upstream: ModelUpstream):
    made = client.embeddings.create(model="e", input="Hello", encoding_format="float")
    assert made.data[0].embedding == [0.5, -0.5]
    assert upstream.seen[0].target == "/v1/embeddings"
    assert "m" in [model.id for model in client.models.list()]


def test_a_transcription(client: openai.OpenAI, upstream: ModelUpstream):
    sound = b"RIFF\x00\xff\r\n--not-a-boundary"
    made = client.audio.transcriptions.create(model="whisper", file=("a.wav", sound))
    assert made.text == "Hello, world"
    assert sound in upstream.seen[0].body
    assert upstream.seen[0].target == "/v1/audio/transcriptions"


def test_asynchronous(proxy: Proxy, upstream: ModelUpstream):
    async def run() -> list[str]:
        async with openai.AsyncOpenAI(base_url=proxy.base_url, api_key=proxy.key, max_retries=0) as client:
            plain = client.chat.completions.create(model="m", messages=QUESTION)
            stream = await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
            text = "".join([one.choices[0].delta.content or "" async for one in stream if one.choices])
            with pytest.raises(openai.RateLimitError):
                await client.chat.completions.create(model="error-429", messages=QUESTION)
            return [text, (await plain).choices[0].message.content or ""]

    assert asyncio.run(run()) == ["Hello, world"] * 2
