"""The sidecar before the real proxy: it adds the key, passes on who calls, gathers nothing and waits long."""

import contextlib
import http.client
import json
import re
import threading

import pytest
from tests.parts import answers
from tests.parts.model_upstream import Hold, run_upstream
from tests.parts.proxy import KEY, provider, run_proxy
from tests.parts.sidecar import TEMPLATE, run_sidecar

from open_llm_proxy.config.schema import Timeouts


@pytest.fixture(scope="module")
def shared_upstream():
    with run_upstream() as running:
        yield running


@pytest.fixture
def upstream(shared_upstream):
    shared_upstream.reset()
    return shared_upstream


@pytest.fixture(scope="module")
def proxy(shared_upstream, tmp_path_factory):
    with run_proxy(tmp_path_factory.mktemp("proxy"), provider(shared_upstream.endpoint)) as running:
        yield running


@pytest.fixture(scope="module")
def sidecar(proxy, tmp_path_factory):
    pages = tmp_path_factory.mktemp("pages")
    (pages / "index.html").write_text("a page")
    with run_sidecar(tmp_path_factory.mktemp("sidecar"), proxy.url, KEY, pages) as url:
        yield url


@pytest.fixture
def send(sidecar):
    """Calls by it; the answer to each, read or not, is closed with the test."""
    with contextlib.ExitStack() as stack:

        def call(path, body=None, **headers):
            connection = http.client.HTTPConnection(sidecar.removeprefix("http://"), timeout=30)
            stack.callback(connection.close)
            data = None if body is None else json.dumps(body)
            fields = {"Content-Type": "application/json", **headers}
            connection.request("GET" if body is None else "POST", path, data, fields)
            return stack.enter_context(connection.getresponse())

        yield call


def ask(**more):
    return {"model": "m", "messages": [{"role": "user", "content": "Hello"}], **more}


def test_it_serves_the_page(send):
    answer = send("/")
    assert (answer.status, answer.read()) == (200, b"a page")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat"])
def test_it_adds_the_key(send, upstream, path):
    answer = send(path, ask())
    assert json.loads(answer.read())["choices"][0]["message"]["content"] == "Hello, world"


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
def test_the_pages_own_key_does_not_count(send, upstream, header):
    assert send("/v1/chat/completions", ask(), **{header: "Bearer wrong"}).status == 200


def test_the_models_are_listed_and_the_rest_is_not_reached(send, upstream):
    assert json.loads(send("/v1/models").read())["object"] == "list"
    assert send("/health").status == 404


def test_the_record_says_who_called(send, proxy, upstream):
    who = {"X-Client": "geo-agent/v3.13.1", "Origin": "https://app.example.org", "Cookie": "secret=1"}
    answer = send("/v1/chat/completions", ask(user="s-1"), **who)
    answer.read()
    request, _ = proxy.records_of(answer.headers["x-llm-request-id"])
    assert (request["client"], request["origin"], request["session_id"], request["key"]) == (
        "geo-agent/v3.13.1",
        "https://app.example.org",
        "s-1",
        "default",
    )


def test_a_stream_goes_on_piece_by_piece(send, upstream):
    until = threading.Event()
    head, first, *rest = answers.stream(answers.chat_events(*answers.CONTENT_DELTAS))
    upstream.play(head + first, Hold(until), *rest)
    answer = send("/v1/chat/completions", ask(stream=True))
    line = answer.readline()
    assert line.startswith(b"data: ")
    assert not until.is_set(), "the rest is still with the provider"
    until.set()
    assert answer.read().endswith(b"data: [DONE]\n\n")


def test_a_large_body_passes(send, upstream):
    answer = send("/v1/chat/completions", ask(filling="x" * 3_000_000))
    assert answer.status == 200


def test_a_client_that_leaves_ends_the_call(sidecar, upstream):
    never = threading.Event()
    head, first, *_ = answers.stream(answers.chat_events(*answers.CONTENT_DELTAS))
    upstream.play(head + first, Hold(never))
    with contextlib.closing(http.client.HTTPConnection(sidecar.removeprefix("http://"), timeout=30)) as connection:
        fields = {"Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(ask(stream=True)), fields)
        with connection.getresponse() as answer:
            assert answer.readline()
    assert upstream.wait_for_calls().left.wait(20)


def test_it_waits_as_long_as_the_proxy():
    for name in ("proxy_read_timeout", "proxy_send_timeout"):
        (seconds,) = re.findall(rf"{name} (\d+)s;", TEMPLATE.read_text())
        assert int(seconds) > Timeouts().between_bytes_s


def test_only_two_values_are_filled_in():
    assert set(re.findall(r"\$\{(\w+)\}", re.sub("#.*", "", TEMPLATE.read_text()))) == {
        "OPEN_LLM_PROXY_URL",
        "PROXY_KEY",
    }
