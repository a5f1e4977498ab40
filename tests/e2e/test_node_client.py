"""The official OpenAI client for Node."""

from typing import Any

import pytest
from tests.parts import answers
from tests.parts.node import run_script
from tests.parts.proxy import Proxy
from tests.parts.requirement import require

CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
}


@pytest.fixture(scope="module")
def results(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Any:
    require("openai for node")
    arguments = {"baseURL": proxy.base_url, "apiKey": proxy.key, "tool": answers.TOOL}
    folder = tmp_path_factory.mktemp("node")
    return run_script("openai_client", arguments, folder)


def test_plain(results: Any):
    assert results["plain"]["content"] == "Hello, world"
    assert len(results["plain"]["requestId"]) == 32


def test_streamed(results: Any):
    assert results["streamed"] == {"content": "Hello, world", "usage": answers.USAGE}


@pytest.mark.parametrize("way", ["toolsPlain", "toolsStreamed"])
def test_tools(results: Any, way: str):
    assert (results[way]["name"], results[way]["arguments"]) == ("look_up", '{"place":"Rome"}')


def test_a_stream_that_the_caller_breaks_off(results: Any):
    assert results["aborted"] == "assistant"


@pytest.mark.parametrize("status", CLASSES)
def test_a_providers_error_raises_its_class(results: Any, status: int):
    error = results["errors"][str(status)]
    assert (error["name"], error["status"], error["requestID"]) == (CLASSES[status], status, "req-of-provider")
    assert error["retryAfter"] == ("7" if status == 429 else None)


def test_a_wrong_key(results: Any):
    assert results["wrongKey"]["name"] == "AuthenticationError"
    assert results["wrongKey"]["code"] == "invalid_api_key"
