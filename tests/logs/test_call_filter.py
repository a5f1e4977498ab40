import pytest

from open_llm_proxy.logs.call_filter import CallFilter, is_failed
from open_llm_proxy.logs.calls import Call

REQUEST = {"origin": "https://geo.example.org", "model": "Kimi-K2", "session_id": "s-123", "user_question": "q"}


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        ({}, True),
        ({"origin": "GEO"}, True),
        ({"origin": "lakes"}, False),
        ({"model": "kimi"}, True),
        ({"model": "qwen"}, False),
        ({"session": "s-1"}, True),
        ({"session": "123"}, False),
        ({"errors": True}, False),
    ],
)
def test_what_is_taken(wanted, taken):
    assert CallFilter(**wanted).takes(Call(REQUEST, {"status": 200})) is taken


def test_a_session_without_an_id_has_a_key():
    call = Call(REQUEST | {"session_id": None}, None)
    assert CallFilter(session="anon:").takes(call)
    assert not CallFilter(session="s").takes(call)


@pytest.mark.parametrize(
    ("response", "failed"),
    [
        (None, False),
        ({"status": 200}, False),
        ({"error": "x", "status": 200}, True),
        ({"status": 429}, True),
        ({}, False),
    ],
)
def test_failures(response, failed):
    assert is_failed(Call(REQUEST, response)) is failed


def test_what_has_no_origin_is_of_no_app():
    assert not CallFilter(origin="geo").takes(Call({}, None))
