"""LangChain's ``ChatOpenAI``."""

from typing import Any

import openai
import pytest
from langchain_openai import ChatOpenAI
from tests.parts import answers
from tests.parts.model_upstream import ModelUpstream
from tests.parts.proxy import Proxy


def make(proxy: Proxy, model: str = "m", **more: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, base_url=proxy.base_url, api_key=proxy.key, max_retries=0, **more)  # type: ignore[arg-type]


def test_plain_and_streamed(proxy: Proxy, upstream: ModelUpstream):
    assert make(proxy).invoke("Hello").content == "Hello, world"
    assert "".join(str(piece.content) for piece in make(proxy).stream("Hello")) == "Hello, world"


def test_tools(proxy: Proxy, upstream: ModelUpstream):
    message = make(proxy).bind_tools([answers.TOOL]).invoke("Hello")
    call = message.tool_calls[0]  # type: ignore[attr-defined]
    assert (call["name"], call["args"]) == ("look_up", {"place": "Rome"})


def test_an_error(proxy: Proxy, upstream: ModelUpstream):
    with pytest.raises(openai.RateLimitError):
        make(proxy, "error-429").invoke("Hello")
