"""A real browser: the official client in a page on another origin. Only what CORS allows can be read there."""

from typing import Any

import pytest
from tests.parts.chromium import run_page
from tests.parts.proxy import Proxy

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("browser")
    return run_page(proxy.base_url, proxy.key, folder)


def test_plain_and_streamed(results: Any):
    assert results["plain"]["content"] == "Hello, world"
    assert results["streamed"] == "Hello, world"


def test_the_page_reads_our_headers_and_the_providers_request_id(results: Any):
    headers = results["plain"]["headers"]
    assert len(headers["x-llm-request-id"]) == 32
    assert headers["x-llm-provider"] == "up"
    assert headers["x-request-id"] == "req-of-provider"
    assert headers["server-timing"]


def test_the_page_reads_the_rate_limit(results: Any):
    limited = results["limited"]
    assert (limited["name"], limited["status"]) == ("RateLimitError", 429)
    assert limited["headers"]["retry-after"] == "7"
    assert limited["headers"]["x-ratelimit-limit"] == "60"


def test_the_page_sees_a_refusal_as_what_it_is(results: Any):
    assert (results["wrongKey"]["name"], results["wrongKey"]["code"]) == ("AuthenticationError", "invalid_api_key")


def test_models_and_health(results: Any):
    assert "m" in results["models"]
    assert results["health"] == "healthy"


def test_the_record_says_which_page_and_app_it_was(proxy: Proxy, results: Any):
    pair = proxy.records_of(results["plain"]["headers"]["x-llm-request-id"])
    for record in pair:
        assert record["origin"] == results["origin"]
        assert record["client"] == "geo-agent/v3.13.1"
        assert record["session_id"] == "s-1"
