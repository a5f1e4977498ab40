import gc
import ssl
from typing import Any

import msgspec
import pytest

from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.http1.head import parse_request_head
from open_llm_proxy.proxy.caller import PLANS_REMEMBERED, SESSIONS_REMEMBERED, Caller
from open_llm_proxy.proxy.setup import Setup

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def setup(provider: Any = (), **config: Any):
    row = {"endpoint": "https://p.example/v1/chat/completions", **dict(provider)}
    made = msgspec.convert({"providers": {"p": row}, **config}, Config)
    return Setup(Snapshot(config=made, config_sha256="0"), TLS)


def caller(made=None, path="/v1/chat/completions", **fields: Any):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    head = parse_request_head(f"POST {path} HTTP/1.1\r\nhost: x\r\n{lines}\r\n".encode())
    return Caller(made or setup(), "geo", head)


def test_who_calls():
    made = caller(
        origin="https://page.example",
        referer="https://page.example/path",
        x_client="geo-agent/v3.13.1",
        x_session_id="s1",
        x_request_id="r1",
        content_type="application/json; charset=utf-8",
        traceparent="00-a",
    )
    assert made.key == "geo"
    assert made.origin == "https://page.example"
    assert made.client == "geo-agent/v3.13.1"
    assert made.session_id == "s1"
    assert made.client_request_id == "r1"
    assert made.content_type == "application/json; charset=utf-8"
    assert made.traceparent == "00-a"


def test_without_an_origin_the_referer_tells():
    assert caller(referer="https://page.example/path").origin == "https://page.example/path"


def test_what_was_not_said_is_none():
    made = caller()
    told = (made.origin, made.client, made.session_id, made.client_request_id, made.content_type, made.traceparent)
    assert told == (None,) * 6


def test_identity_is_cut():
    made = caller(origin="o" * 600, x_client="c" * 600, x_session_id="s" * 600)
    assert {len(made.origin or ""), len(made.client or ""), len(made.session_id or "")} == {512}


@pytest.mark.parametrize(
    ("path", "chat", "messages"),
    [
        ("/v1/chat/completions", True, False),
        ("/chat", True, False),
        ("/v1/messages", False, True),
        ("/v1/embeddings", False, False),
    ],
)
def test_which_endpoint_it_is(path, chat, messages):
    made = caller(path=path)
    assert (made.endpoint, made.chat, made.messages) == (path, chat, messages)
    assert made.plain == (not messages)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", "*/*", "", "application/vnd.x+json", None],
)
def test_json_in_all_its_names(content_type):
    made = caller(**({} if content_type is None else {"content_type": content_type}))
    assert made.refusal is None
    assert not made.multipart


def test_a_form():
    made = caller(content_type="Multipart/Form-Data; boundary=x")
    assert made.refusal is None
    assert made.multipart
    assert not made.plain


@pytest.mark.parametrize(
    "fields",
    [
        {"content_type": "text/plain"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "application/jsonx"},
        {"content_type": "multipart/mixed; boundary=x"},
        {"content_encoding": "gzip"},
        {"content_encoding": "br", "content_type": "multipart/form-data; boundary=x"},
    ],
)
def test_what_cannot_be_routed(fields):
    refusal = caller(**fields).refusal
    assert refusal is not None
    assert refusal.row.code == "unsupported_media_type"


def test_identity_is_no_compression():
    assert caller(content_encoding="Identity").refusal is None


@pytest.mark.parametrize(
    ("everywhere", "here", "wish", "logged"),
    [
        (True, None, None, True),
        (True, None, "none", False),
        (True, None, "NONE", False),
        (True, None, "full", True),
        (True, False, None, False),
        (True, False, "full", False),
        (True, True, "none", False),
        (False, None, None, False),
        (False, None, "full", False),
        (False, True, None, True),
        (False, True, "none", False),
    ],
)
def test_the_callers_wish_can_only_lessen(everywhere, here, wish, logged):
    made = caller(setup({"log_content": here}, log_content=everywhere), **({"x_log_content": wish} if wish else {}))
    assert made.plan(b'"m"', "m", made.setup.providers["p"]).content_logged == logged


def test_before_a_provider_is_known_the_whole_configs_word_counts():
    assert not caller(setup(log_content=False)).content_logged
    assert not caller(x_log_content="none").content_logged
    assert caller().content_logged


def test_plans_are_remembered_within_bounds():
    made = caller()
    provider = made.setup.providers["p"]
    plan = made.plan(b'"m"', "m", provider)
    assert made.plans[b'"m"'] is plan
    for index in range(200):
        made.plan(b'"m%d"' % index, f"m{index}", provider)
        assert len(made.plans) <= PLANS_REMEMBERED
    long = b'"' + b"m" * 300 + b'"'
    assert made.plan(long, "m" * 300, provider).identity[2] == "m" * 300
    assert long not in made.plans


def test_sessions_are_remembered_within_bounds():
    made = caller(x_session_id="of the head")
    for index in range(200):
        assert made.session(b'"s%d"' % index) == f"s{index}"
        assert len(made.sessions) <= SESSIONS_REMEMBERED
    assert (made.session(b'"s0"'), made.session(b'"s199"')) == ("s0", "s199")
    assert made.session(b"7") == "of the head"
    long = b'"' + b"s" * 300 + b'"'
    assert made.session(long) == "s" * 300
    assert long not in made.sessions


def test_a_plan_holds_what_is_the_same_in_each_call():
    made = caller(path="/v1/chat/completions?a=1", origin="https://page.example", user_agent="ua")
    plan = made.plan(b'"m"', "m", made.setup.providers["p"])
    assert plan.request_lines.startswith(b"POST /v1/chat/completions?a=1 HTTP/1.1\r\n")
    assert b"user-agent: ua\r\n" in plan.request_lines
    assert b"access-control-allow-origin: *\r\n" in plan.answer_lines
    assert b"x-llm-provider: p\r\n" in plan.answer_lines


def test_a_head_and_what_is_derived_from_it_go_together_at_once():
    """No cycle: else each connection, or each call with a head of its own, would wait for a rare collection."""
    made = setup()
    head = parse_request_head(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n\r\n")
    gc.collect()
    head.context = Caller(made, "geo", head)
    head.context.plan(b'"m"', "m", made.providers["p"])
    del head
    assert gc.collect() == 0
