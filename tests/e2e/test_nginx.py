"""nginx as a provider: another's framing, compression and TLS."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.parts import nginx
from tests.parts.http_client import ask, call
from tests.parts.nginx import Nginx, run_nginx
from tests.parts.proxy import Proxy, run_proxy


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with run_nginx(tmp_path_factory.mktemp("nginx")) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(server: Nginx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    kinds = ("plain", "gzip", "stream", "limited", "moved")
    providers: dict[str, Any] = {
        kind: {"endpoint": f"{server.url}/{kind}/v1/chat/completions", "models": [kind]} for kind in kinds
    }
    providers["tls"] = {"endpoint": f"{server.tls_url}/plain/v1/chat/completions", "models": ["tls"]}
    config = {"providers": providers, "default_provider": None, "ca_file": str(server.authority)}
    with run_proxy(tmp_path_factory.mktemp("proxy"), config) as running:
        yield running


def client_of(proxy: Proxy) -> openai.OpenAI:
    return openai.OpenAI(base_url=proxy.base_url, api_key=proxy.key, max_retries=0)


@pytest.mark.parametrize("model", ["plain", "tls"])
def test_plain_and_over_tls(proxy: Proxy, model: str):
    with client_of(proxy) as client:
        for _ in range(3):
            answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello"}])
            assert answer.choices[0].message.content == "Hello from nginx"


def test_a_certificate_nobody_vouches_for(server: Nginx, tmp_path: Path):
    config = {"providers": {"tls": {"endpoint": f"{server.tls_url}/plain/v1/chat/completions", "models": ["tls"]}}}
    with (
        run_proxy(tmp_path, config) as strict,
        client_of(strict) as client,
        pytest.raises(openai.InternalServerError) as caught,
    ):
        client.chat.completions.create(model="tls", messages=[{"role": "user", "content": "Hello"}])
    assert (caught.value.status_code, caught.value.code) == (502, "provider_tls_failure")


def test_a_compressed_answer_passes_as_it_is_and_is_read_for_the_record(proxy: Proxy):
    answer = call(proxy, ask(model="gzip"), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == nginx.LONG
    record = proxy.records_of(answer.request_id).response
    assert record["content"] == json.loads(nginx.LONG)["choices"][0]["message"]["content"]
    assert record["tokens"]["total_tokens"] == 5


def test_a_stream(proxy: Proxy):
    with client_of(proxy) as client:
        stream = client.chat.completions.create(
            model="stream", messages=[{"role": "user", "content": "Hello"}], stream=True
        )
        assert "".join(one.choices[0].delta.content or "" for one in stream if one.choices) == "Hello, world"


def test_a_rate_limit(proxy: Proxy):
    with client_of(proxy) as client, pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="limited", messages=[{"role": "user", "content": "Hello"}])
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.response.headers["x-ratelimit-limit"] == "60"


def test_a_redirect_is_passed_on_not_followed(proxy: Proxy, server: Nginx):
    answer = call(proxy, {"model": "moved"})
    assert answer.status == 307
    assert answer.headers["location"] == f"{server.url}/plain/v1/chat/completions"
