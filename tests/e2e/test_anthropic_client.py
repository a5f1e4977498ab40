"""The official Anthropic client: the same key, by ``x-api-key``, at ``/v1/messages``."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from tests.parts import answers
from tests.parts.model_upstream import ModelUpstream
from tests.parts.proxy import Proxy

QUESTION: Any = [{"role": "user", "content": "Hello"}]
STATUSES = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
    529: anthropic.InternalServerError,
}


@pytest.fixture
def client(proxy: Proxy) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=proxy.url, api_key=proxy.key, max_retries=0) as made:
        yield made


def test_plain(client: anthropic.Anthropic, upstream: ModelUpstream):
    answer = client.messages.create(model="m", max_tokens=10, messages=QUESTION)
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "Hello, world"
    seen = upstream.seen[0]
    assert seen.target == "/v1/messages"
    assert seen.header("x-api-key") == "sk-provider-key"
    assert seen.header("anthropic-version") not in {None, "2023-06-01"}  # the client's own wins over our default
    assert seen.header("authorization") is None


def test_streamed(client: anthropic.Anthropic, upstream: ModelUpstream):
    with client.messages.stream(model="m", max_tokens=10, messages=QUESTION) as stream:
        assert "".join(stream.text_stream) == "Hello, world"
        assert stream.get_final_message().usage.output_tokens == 2


def test_tools(client: anthropic.Anthropic, upstream: ModelUpstream):
    tool: Any = answers.ANTHROPIC_TOOL
    plain = client.messages.create(model="m", max_tokens=10, messages=QUESTION, tools=[tool])
    with client.messages.stream(model="m", max_tokens=10, messages=QUESTION, tools=[tool]) as stream:
        streamed = stream.get_final_message()
    for answer in (plain, streamed):
        assert answer.stop_reason == "tool_use"
        assert answer.content[0].type == "tool_use"
        assert answer.content[0].input == {"place": "Rome"}


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
def test_a_providers_error_raises_its_class(
    client: anthropic.Anthropic, upstream: ModelUpstream, status: int, kind: type[anthropic.APIStatusError]
):
    with pytest.raises(kind) as caught:
        client.messages.create(model=f"error-{status}", max_tokens=10, messages=QUESTION)
    assert caught.value.status_code == status


def test_our_own_refusals_have_its_shape(proxy: Proxy, client: anthropic.Anthropic, upstream: ModelUpstream):
    with (
        anthropic.Anthropic(base_url=proxy.url, api_key="wrong", max_retries=0) as stranger,
        pytest.raises(anthropic.AuthenticationError) as caught,
    ):
        stranger.messages.create(model="m", max_tokens=10, messages=QUESTION)
    assert caught.value.type == "authentication_error"
    with pytest.raises(anthropic.BadRequestError) as refused:
        client.messages.create(model="", max_tokens=10, messages=QUESTION)
    assert refused.value.type == "invalid_request_error"
    assert upstream.seen == []
