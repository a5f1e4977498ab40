import ssl
from typing import Any

import msgspec
import pytest

from open_llm_proxy.config.schema import Provider
from open_llm_proxy.http1.head import parse_request_head
from open_llm_proxy.proxy.providers import FORWARDED, ReadyProvider

CHAT = b"/v1/chat/completions"
MESSAGES = b"/v1/messages"
ENDPOINT = "https://p.example/v1/chat/completions"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def provider(endpoint=ENDPOINT, *, key: str | None = "secret", forward=(), salt=None, **settings: Any):
    row = msgspec.convert({"endpoint": endpoint, "api_key_env": "P_KEY", **settings}, Provider)
    return ReadyProvider("p", row, key=key, salt=salt, tls=TLS, forward=forward)


def sent(made, path=CHAT, query=b"", **fields: Any):
    """The head that goes upstream, as an HTTP parser reads it; no field may stand twice."""
    given = {name.replace("_", "-").encode(): value.encode() for name, value in fields.items()}
    raw = made.request_lines(path, query, given)
    names = [line.partition(b":")[0].lower() for line in raw.split(b"\r\n")[1:-1]]
    assert len(names) == len(set(names)), "a field stands twice"
    return parse_request_head(raw + b"\r\n")


def target(made, path=CHAT, query=b""):
    head = sent(made, path, query)
    return head.path + (b"?" + head.query if head.query else b"")


@pytest.mark.parametrize(
    ("endpoint", "path", "expected"),
    [
        ("https://p.example/v1/chat/completions", CHAT, b"/v1/chat/completions"),
        ("https://p.example/v1/chat/completions", b"/chat", b"/v1/chat/completions"),
        ("https://p.example/v1/chat/completions", b"/v1/embeddings", b"/v1/embeddings"),
        ("https://p.example/v1/chat/completions", b"/v1/audio/transcriptions", b"/v1/audio/transcriptions"),
        ("https://p.example/v1/chat/completions", b"/v1/chat/completions/x", b"/v1/chat/completions/x"),
        ("https://p.example/api/v1/chat/completions", MESSAGES, b"/api/v1/messages"),
        ("https://p.example/openai/chat/completions", b"/v1/responses", b"/openai/responses"),
        ("https://p.example/chat/completions", b"/v1/embeddings", b"/embeddings"),
        ("https://p.example/v1/chat/completions/", CHAT, b"/v1/chat/completions/"),
        ("https://p.example/custom", CHAT, b"/custom"),
        ("https://p.example", CHAT, b"/"),
    ],
)
def test_the_upstream_url_is_the_base_and_the_rest_of_the_path(endpoint, path, expected):
    assert target(provider(endpoint), path) == expected


def test_the_query_goes_along():
    assert target(provider(), b"/v1/embeddings", b"a=1&b=%20") == b"/v1/embeddings?a=1&b=%20"
    assert target(provider(), CHAT, b"a=1") == b"/v1/chat/completions?a=1"


def test_an_endpoints_own_query_stays():
    made = provider("https://p.example/v1/chat/completions?api-version=2&x=y")
    assert target(made) == b"/v1/chat/completions?api-version=2&x=y"
    assert target(made, CHAT, b"a=1") == b"/v1/chat/completions?api-version=2&x=y&a=1"


@pytest.mark.parametrize(
    ("endpoint", "origin", "host"),
    [
        ("https://p.example/v1/chat/completions", ("p.example", 443, TLS), b"p.example"),
        ("http://p.example/v1/chat/completions", ("p.example", 80, None), b"p.example"),
        ("http://127.0.0.1:11434/v1/chat/completions", ("127.0.0.1", 11434, None), b"127.0.0.1:11434"),
        ("https://[::1]:8443/v1/chat/completions", ("::1", 8443, TLS), b"[::1]:8443"),
        ("https://P.Example:8443/v1/chat/completions", ("p.example", 8443, TLS), b"P.Example:8443"),
    ],
)
def test_where_connections_go_and_what_host_they_name(endpoint, origin, host):
    made = provider(endpoint)
    assert made.origin == origin
    assert sent(made).fields[b"host"] == host


def test_it_is_a_post():
    assert sent(provider()).method == b"POST"


def test_the_key_goes_as_a_bearer_token():
    fields = sent(provider()).fields
    assert fields[b"authorization"] == b"Bearer secret"
    assert b"x-api-key" not in fields


def test_without_a_key_none_goes():
    made = provider(key=None, api_key_env=None)
    assert not made.key_missing
    assert set(sent(made).fields) == {b"host"}


def test_a_key_that_is_not_set_is_missing():
    assert provider(key=None).key_missing
    assert not provider().key_missing


ALLOWED: dict[str, Any] = {
    "content_type": "application/json",
    "accept": "*/*",
    "accept_encoding": "gzip",
    "user_agent": "ua/1",
    "anthropic_version": "v",
    "anthropic_beta": "b",
    "openai_beta": "o",
    "idempotency_key": "i",
    "x_client_request_id": "c",
    "traceparent": "00-1",
    "tracestate": "s",
}
NEVER: dict[str, Any] = {
    "authorization": "Bearer client",
    "x_api_key": "client",
    "cookie": "c",
    "origin": "https://o.example",
    "referer": "https://r.example",
    "x_forwarded_for": "1.2.3.4",
    "x_forwarded_host": "h",
    "forwarded": "for=1.2.3.4",
    "x_real_ip": "1.2.3.4",
    "x_client": "geo-agent/1",
    "x_session_id": "s",
    "x_log_content": "none",
    "x_request_id": "r",
    "x_anything": "else",
    "connection": "keep-alive",
    "te": "trailers",
    "upgrade": "h2c",
    "expect": "100-continue",
    "host": "proxy",
    "proxy_authorization": "Basic x",
}


def test_of_the_clients_headers_only_the_allowed_go_upstream():
    fields = sent(provider(), **ALLOWED, **NEVER).fields
    assert {name.decode().replace("-", "_") for name in fields} == {*ALLOWED, "host", "authorization"}
    assert all(fields[name.replace("_", "-").encode()] == value.encode() for name, value in ALLOWED.items())
    assert fields[b"authorization"] == b"Bearer secret"
    assert fields[b"host"] == b"p.example"


def test_the_built_in_list_is_the_contracts():
    assert {name.decode().replace("-", "_") for name in FORWARDED} == set(ALLOWED)


def test_the_config_may_add_some():
    fields = sent(provider(forward=["X-Trace", "x-other"]), x_trace="1", x_other="2", x_more="3").fields
    assert (fields[b"x-trace"], fields[b"x-other"]) == (b"1", b"2")
    assert b"x-more" not in fields


def test_extra_headers_go_with_each_call_and_win():
    made = provider(extra_headers={"HTTP-Referer": "https://nrp.example", "X-Title": "t", "User-Agent": "ours"})
    for path in (CHAT, b"/v1/embeddings"):
        fields = sent(made, path, user_agent="client", referer="https://client.example").fields
        assert fields[b"http-referer"] == b"https://nrp.example"
        assert fields[b"x-title"] == b"t"
        assert fields[b"user-agent"] == b"ours"
        assert b"referer" not in fields


ANTHROPIC = {"models_auth": "x-api-key", "anthropic_version": "2023-06-01"}


@pytest.mark.parametrize("path", [MESSAGES, MESSAGES + b"/count_tokens"])
def test_x_api_key_is_for_messages(path):
    fields = sent(provider(**ANTHROPIC), path).fields
    assert fields[b"x-api-key"] == b"secret"
    assert fields[b"anthropic-version"] == b"2023-06-01"
    assert b"authorization" not in fields


def test_chat_completions_of_the_same_provider_get_a_bearer_token():
    fields = sent(provider(**ANTHROPIC)).fields
    assert fields[b"authorization"] == b"Bearer secret"
    assert b"x-api-key" not in fields
    assert b"anthropic-version" not in fields


def test_messages_of_any_other_provider_get_a_bearer_token():
    fields = sent(provider(), MESSAGES).fields
    assert fields[b"authorization"] == b"Bearer secret"
    assert b"anthropic-version" not in fields


def test_the_clients_own_anthropic_version_wins():
    assert (
        sent(provider(**ANTHROPIC), MESSAGES, anthropic_version="2024-01-01").fields[b"anthropic-version"]
        == b"2024-01-01"
    )


def test_extra_headers_win_over_the_keys_form_too():
    made = provider(**ANTHROPIC, extra_headers={"Anthropic-Version": "x", "X-API-Key": "own"})
    fields = sent(made, MESSAGES, anthropic_version="2024-01-01").fields
    assert fields[b"anthropic-version"] == b"x"
    assert fields[b"x-api-key"] == b"own"
    listed = made.models_request().lower()
    assert listed.count(b"anthropic-version") == listed.count(b"x-api-key") == 1


def models(made):
    raw = made.models_request()
    assert raw.endswith(b"\r\n\r\n")
    return parse_request_head(raw)


def test_the_model_list_is_beside_the_chat_endpoint():
    head = models(provider("https://p.example/api/v1/chat/completions?x=y", extra_headers={"X-Title": "t"}))
    assert (head.method, head.path, head.query) == (b"GET", b"/api/v1/models", b"")
    assert head.fields[b"authorization"] == b"Bearer secret"
    assert head.fields[b"host"] == b"p.example"
    assert head.fields[b"x-title"] == b"t"


def test_the_model_list_may_be_elsewhere():
    made = provider(models_endpoint="http://other.example:81/list?all=1")
    head = models(made)
    assert (head.path, head.query, head.fields[b"host"]) == (b"/list", b"all=1", b"other.example:81")
    assert made.models_origin == ("other.example", 81, None)
    assert made.origin == ("p.example", 443, TLS)
    assert provider().models_origin == provider().origin


def test_the_model_list_by_x_api_key():
    head = models(provider(**ANTHROPIC))
    assert head.fields[b"x-api-key"] == b"secret"
    assert head.fields[b"anthropic-version"] == b"2023-06-01"
    assert b"authorization" not in head.fields


def test_the_model_list_without_a_key():
    assert set(models(provider(key=None, api_key_env=None)).fields) == {b"host", b"accept"}


def test_the_salt_becomes_an_edit():
    assert provider(salt="s").edits.concern({})
    assert not provider().edits.concern({})


def test_the_name_is_a_header_line():
    assert provider().name_line == b"x-llm-provider: p\r\n"
