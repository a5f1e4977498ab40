"""Which path is what, who may call, and in which order it is checked."""

import pytest

from open_llm_proxy.config.snapshot import ClientKey
from open_llm_proxy.proxy import application, descriptors
from open_llm_proxy.telemetry import scoreboard

# --- the order of checks ---------------------------------------------------------------------------------------------

WRONG_PATH = {"path": "/nothing"}
WRONG_METHOD = {"method": "PUT"}
WRONG_KEY = {"key": "Bearer wrong"}
TOO_LARGE = {"content_length": "101"}
WRONG_TYPE = {"content_type": "text/plain"}
LADDER = [
    (404, "not_found", WRONG_PATH),
    (405, "method_not_allowed", WRONG_METHOD),
    (401, "invalid_api_key", WRONG_KEY),
    (413, "request_too_large", TOO_LARGE),
    (415, "unsupported_media_type", WRONG_TYPE),
    (400, "missing_body", {"body": b""}),
]


@pytest.fixture
def small(start):
    return start(
        limits={"body_bytes": 100},
        providers={"alpha": {"models": ["m"], "key": None, "api_key_env": "ALPHA_KEY"}},
    )


@pytest.mark.parametrize("step", range(len(LADDER)), ids=lambda step: LADDER[step][1])
def test_of_all_that_is_wrong_the_first_is_told(small, step):
    status, code, _ = LADDER[step]
    wrong = {}
    for _, _, more in reversed(LADDER[step:]):
        wrong |= more
    answer = small.ask(small.request(**wrong))
    assert (answer.status, answer.error["code"]) == (status, code)
    small.settle()
    small._commit()
    assert len(small.calls) == (0 if status in (401, 404, 405) else 1), (
        "refused calls are on record once the key is good"
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid_json"),
        (b'{"model":""}', "missing_model"),
        (b'{"model":"x"}', "model_not_found"),
        (b'{"model":"m"}', "provider_key_not_configured"),
    ],
)
def test_then_json_model_route_and_the_providers_key(small, body, code):
    answer = small.ask(small.request(body))
    assert answer.error["code"] == code
    small.call()


def test_a_body_that_is_announced_too_large_is_not_waited_for(small):
    client = small.client()
    client.send(small.request(b"", content_length="101"))
    answer = client.receive()
    assert (answer.status, answer.header("connection")) == (413, "close")
    assert client.ending() == (b"", True)
    small.call()


def test_a_chunked_body_that_grows_too_large_is_refused(small):
    client = small.client()
    client.send(small.request(b"", content_length=None, transfer_encoding="chunked") + small.frame(b"x" * 101))
    answer = client.receive()
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")
    assert answer.header("access-control-allow-origin") == "*"
    _, response = small.call()
    assert response.header.status == 413


@pytest.mark.parametrize("wrong", [WRONG_TYPE, {"content_encoding": "gzip"}])
def test_what_cannot_be_routed_is_refused_every_time(small, wrong):
    client = small.client()
    for _ in range(3):
        client.send(small.request(**wrong))
        answer = client.receive()
        assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type")
    small.call()
    assert len(small.calls) == 3


def test_a_body_that_is_too_large_is_refused_every_time(small):
    client = small.client()
    client.send(small.request(b'{"model":"x"}'))
    assert client.receive().status == 400
    client.send(small.request(b'{"model":"m","t":"' + b"x" * 100 + b'"}'))
    assert client.receive().status == 413
    small.call()


# --- paths and methods -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/chat",
        "/v1/completions",
        "/v1/a/b-c_d.e/~f:g@h",
        "/v1/files/.hidden",
        "/v1/x/...",
        "/v1/a..b",
    ],
)
def test_what_is_a_call(rig, path):
    answer, _ = rig.exchange(rig.request(path=path))
    assert answer.status == 200
    assert rig.record()[0].endpoint == path


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/../x",
        "/v1/..",
        "/v1/a/../../x",
        "/v1/./x",
        "/v1/a/.",
        "/v1//x",
        "//v1/x",
        "/v1/x/",
        "/v1/%2e%2e/x",
        "/v1/a%2Fb",
        "/v1/%00",
        "/V1/chat/completions",
        "/v1x/chat",
        "/chat/",
        "/chat/x",
        "/chat/completions",
        "/api/v1/chat/completions",
        "/v1/a\\b",
        "/metrics",
        "/favicon.ico",
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_what_is_nothing(rig, path, method):
    answer = rig.ask(rig.request(path=path, method=method))
    assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert not rig.frames


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        ("/v1/chat/completions", "GET", "POST, OPTIONS"),
        ("/chat", "DELETE", "POST, OPTIONS"),
        ("/v1/embeddings", "PUT", "POST, OPTIONS"),
        ("/v1/messages", "PATCH", "POST, OPTIONS"),
        ("/v1/models", "POST", "GET, HEAD, OPTIONS"),
        ("/v1/models/m", "DELETE", "GET, HEAD, OPTIONS"),
        ("/health", "POST", "GET, HEAD, OPTIONS"),
        ("/", "PUT", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(rig, path, method, allow):
    answer = rig.ask(rig.request(path=path, method=method))
    assert (answer.status, answer.header("allow")) == (405, allow)
    error = answer.json()["error"]
    assert method in error["message"]
    assert error["type"] == "invalid_request_error"
    assert ("code" in error) == (path != "/v1/messages"), "Anthropic's form has none"


@pytest.mark.parametrize("path", ["/nothing", "/v1/chat/completions", "/v1/models"])
def test_an_error_in_answer_to_head_has_no_body(rig, path):
    client = rig.client()
    client.send(rig.request(path=path, method="HEAD", key=None))
    answer = client.receive(bodyless=True)
    assert answer.status in (401, 404, 405)
    assert int(answer.header("content-length")) > 50
    client.send(rig.request(path="/health", method="GET"))
    assert client.receive().status == 200, "what came next was that error's body"


def test_paths_are_remembered_within_bounds(rig):
    for index in range(3000):
        assert rig.app._is_call(b"/v1/x%d" % index)
    assert len(rig.app._call_paths) <= 1024
    assert not rig.app._is_call(b"/v1/models")
    assert not rig.app._is_call(b"/v1/../x")


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models", "/v1/models/m"])
@pytest.mark.parametrize(
    ("key", "said"), [("Bearer wrong", "wrong"), (None, "Authorization: Bearer KEY"), ("", "wrong")]
)
def test_without_a_good_key_nobody_is_served_and_nothing_is_recorded(rig, path, key, said):
    method = "GET" if "models" in path else "POST"
    answer = rig.ask(rig.request(path=path, method=method, key=key, origin="https://page.example"))
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    assert said in answer.error["message"]
    assert answer.header("www-authenticate").startswith("Bearer")
    assert answer.header("access-control-allow-origin") == "*"
    assert answer.header("x-request-id") == answer.header("x-llm-request-id") != None  # noqa: E711 - it is there
    assert not rig.frames
    assert rig.counters[scoreboard.UNAUTHORIZED] == 1


def test_a_wrong_key_is_told_before_the_body_has_come(rig):
    client = rig.client()
    client.send(rig.request(b"", key="Bearer wrong", content_length="1000000"))
    assert client.receive().status == 401
    assert client.ending() == (b"", True)


def test_messages_clients_send_their_key_otherwise_and_are_refused_in_their_form(rig):
    answer, _ = rig.exchange(rig.request(path="/v1/messages", key=None, x_api_key=rig.key))
    assert answer.status == 200
    answer = rig.ask(rig.request(path="/v1/messages", key=None, x_api_key="wrong"))
    assert answer.status == 401
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "authentication_error"


def test_refused_keys_are_said_at_intervals_without_the_key(rig):
    for _ in range(3):
        rig.ask(rig.request(key="Bearer wrong-secret"))
    assert len(rig.reports) == 1
    rig.later(61)
    rig.ask(rig.request(key="Bearer wrong-secret"))
    assert len(rig.reports) == 2
    assert "4" in rig.reports[1]
    assert "wrong-secret" not in "".join(rig.reports)


@pytest.mark.parametrize(("path", "method"), [("/chat", "POST"), ("/v1/messages", "POST"), ("/v1/models", "GET")])
def test_with_no_key_configured_at_all_every_call_is_refused(start, path, method):
    rig = start(snapshot={"client_keys": ()})
    answer = rig.ask(rig.request(path=path, method=method))
    assert answer.status == 500
    assert "PROXY_KEY" in answer.json()["error"]["message"]
    assert rig.counters[scoreboard.UNAUTHORIZED] == 1
    assert rig.ask(rig.request(path="/health", method="GET", key=None)).status == 200


def test_which_key_it_was_is_noted_and_never_the_key(start):
    rig = start(snapshot={"client_keys": (ClientKey("default", "one"), ClientKey("geo", "two"))})
    rig.exchange(rig.request(key="bearer two"))
    request, response = rig.record()
    assert (request.key, response.key) == ("geo", "geo")


# --- preflights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat", "/v1/models", "/health"])
def test_a_preflight_needs_no_key(rig, path):
    asked = {
        "access_control_request_method": "POST",
        "access_control_request_headers": "authorization,x-stainless-lang",
    }
    client = rig.client()
    for _ in range(2):
        client.send(rig.request(path=path, method="OPTIONS", key=None, origin="https://page.example", **asked))
        answer = client.receive()
        assert answer.status == 204
        assert answer.header("access-control-allow-origin") == "*"
        assert answer.header("access-control-allow-headers") == "authorization,x-stainless-lang"
        assert "POST" in answer.header("access-control-allow-methods")
        assert "access-control-allow-credentials" not in answer.names
        assert answer.header("x-llm-request-id")
        assert "content-length" not in answer.names


def test_a_preflight_of_a_page_that_may_not_call(start):
    rig = start(cors={"allow_origins": ["https://*.example.org"]})
    good = rig.ask(rig.request(method="OPTIONS", origin="https://a.example.org"))
    assert good.header("access-control-allow-origin") == "https://a.example.org"
    bad = rig.ask(rig.request(method="OPTIONS", origin="https://evil.example"))
    assert not any(name.startswith("access-control") for name in bad.names)


def test_options_of_everything(rig):
    answer = rig.ask(rig.request(path="*", method="OPTIONS"))
    assert (answer.status, answer.header("allow")) == (204, "GET, HEAD, POST, OPTIONS")


# --- what breaks HTTP, and too much of everything --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GARBAGE\r\n\r\n", 400, "bad_http"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_http"),
        (b"GET / HTTP/1.1\r\nhost: x\r\nexpect: tea\r\n\r\n", 417, "bad_expectation"),
        (b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 70_000 + b"\r\n\r\n", 431, "head_too_large"),
    ],
)
def test_a_request_that_breaks_http(rig, request_bytes, status, code):
    client = rig.client()
    client.send(request_bytes)
    answer = client.receive()
    assert (answer.status, answer.error["code"]) == (status, code)
    assert answer.header("connection") == "close"
    assert answer.header("x-llm-request-id")
    assert answer.header("access-control-allow-origin") == "*"
    assert not rig.frames


def test_a_head_that_does_not_arrive_in_time(rig):
    client = rig.client()
    client.send(rig.request()[:20])
    rig.settle()
    rig.later(11)
    assert client.receive().error["code"] == "request_timeout"


def test_a_body_that_does_not_arrive_in_time_is_on_record(rig):
    client = rig.client()
    client.send(rig.request()[:-3])
    rig.settle()
    rig.later(61)
    answer = client.receive()
    assert (answer.status, answer.error["code"]) == (408, "request_timeout")
    assert rig.record()[1].status == 408


def test_one_connection_too_many_is_turned_away(start):
    rig = start(limits={"connections": 2})
    first = [rig.client(), rig.client()]
    rig.until(lambda: len(rig.app.connections) == 2)
    third = rig.client()
    answer = third.receive()
    assert (answer.status, answer.error["code"]) == (503, "too_many_connections")
    assert int(answer.header("retry-after")) > 0
    assert answer.header("x-llm-request-id")
    assert third.ending() == (b"", True)
    third.close()
    first[0].close()
    rig.until(lambda: len(rig.app.connections) == 1)
    answer, _ = rig.exchange()
    assert answer.status == 200
    assert rig.counters[scoreboard.CONNECTIONS] == len(rig.app.connections)
    assert rig.counters[scoreboard.CONNECTIONS_REFUSED] == 1


def test_with_few_descriptors_left_a_connection_is_turned_away_and_with_hardly_any_broken_off(start, monkeypatch):
    rig = start()
    left = descriptors.RESERVED
    monkeypatch.setattr(application, "descriptors_left", lambda _: left)
    assert rig.exchange()[0].status == 200
    assert rig.counters[scoreboard.CONNECTIONS_REFUSED] == 0
    left = descriptors.RESERVED - 1
    turned_away = rig.client()
    assert turned_away.receive().error["code"] == "too_many_connections"
    assert rig.counters[scoreboard.CONNECTIONS_REFUSED] == 1
    left = descriptors.LAST - 1
    assert rig.client().ending() == (b"", True)
    assert rig.counters[scoreboard.CONNECTIONS_REFUSED] == 2
    left = descriptors.RESERVED
    assert rig.exchange()[0].status == 200


@pytest.mark.parametrize("known", [True, False])
def test_over_the_buffer_budget_a_call_is_put_off_and_on_record(start, known):
    rig = start(limits={"buffer_bytes": 1000})
    client = rig.warm()[0] if known else rig.client()
    client.send(rig.request(b'{"model":"m","t":"' + b"x" * 5000 + b'"}'))
    answer = client.receive()
    assert (answer.status, answer.error["code"]) == (503, "buffers_full")
    assert int(answer.header("retry-after")) > 0
    assert rig.record()[1].status == 503
    rig.until(lambda: not rig.app.buffered_bytes)


def test_the_budget_is_one_for_all(start):
    rig = start(limits={"buffer_bytes": 1000})
    body = b'{"model":"m","t":"' + b"x" * 600 + b'"}'
    first = rig.client()
    first.send(rig.request(body))
    wire, _ = rig.upstream.receive()
    second = rig.ask(rig.request(body))
    assert second.status == 503
    wire.send(rig.answer())
    assert first.receive().status == 200
    first.send(rig.request(body))
    wire.receive()
    wire.send(rig.answer())
    assert first.receive().status == 200
