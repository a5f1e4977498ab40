import json

import pytest

from open_llm_proxy.cli.logs.call_lines import CallWriter, format_call
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.calls import Call

REQUEST = {
    "type": "request", "request_id": "18eafb754746c5ff02652cf810b43cca", "timestamp": "2026-11-24T12:38:02.500000Z",
    "origin": "https://geo.example.org", "model": "kimi", "user_message_this_turn": "How\nmany?",
}  # fmt: skip
RESPONSE = {
    "type": "response", "request_id": REQUEST["request_id"], "timestamp": "2026-11-24T12:38:04Z", "status": 200, "latency_ms": 1500,
    "tokens": {"prompt_tokens": 1000, "completion_tokens": 5, "cost": 0.002},
}  # fmt: skip


def line(request=REQUEST, response=RESPONSE):
    return " ".join(format_call(Call(request, response)).plain.split())


def test_a_good_call():
    assert line() == "11-24 12:38:02 18eafb754746 200 1.5 s 1,000 → 5 tok $0.002 kimi geo How many?"


def test_a_narrow_terminal_gets_less_and_columns_stay_in_line():
    narrow = format_call(Call(REQUEST | {"model": "anthropic/claude-sonnet-5"}, RESPONSE), 100).plain
    assert narrow == "12:38:02  18eafb754746  200    1.5 s  anthropic/claude-…  geo           How many?"
    wide = [format_call(Call(REQUEST | {"model": model}, RESPONSE), 200).plain for model in ("m" * 99, "kimi")]
    assert wide[0].index("geo") == wide[1].index("geo")


def test_a_tool_loop():
    calls = [{"name": "query"}, {"function": {"name": "f"}}, {}]
    assert line(response=RESPONSE | {"tool_calls": calls}).endswith("How many? → query(), f(), ?()")
    assert line(REQUEST | {"tool_results_this_turn": [{}, {}]}).endswith("geo [2 tool results]")


def test_what_went_wrong():
    assert line(response=RESPONSE | {"status": 503, "error": "Provider\x1b returned 503"}).endswith(
        "How many? Provider\\x1b returned 503"
    )
    assert " ... - - kimi" in line(response=None)
    assert " --- " in line(response=RESPONSE | {"status": None})


def test_what_is_not_there():
    assert line(REQUEST | {"user_message_this_turn": None, "content_logged": False}).endswith("[not logged]")
    assert line(None, RESPONSE).endswith("5 tok $0.002 - -")


def test_a_long_question_is_cut():
    assert line(REQUEST | {"user_message_this_turn": "x" * 300}).endswith("x…")


def test_lines_for_people_and_records_for_programs(capfd):
    CallWriter("line").write([Call(REQUEST, RESPONSE)])
    writer = CallWriter("json")
    writer.write([Call(REQUEST, RESPONSE), Call(REQUEST, None)])
    first, *records = capfd.readouterr().out.splitlines()
    assert first.startswith("11-24 12:38:02")
    assert list(map(json.loads, records)) == [REQUEST, RESPONSE, REQUEST]
    assert writer.written == 2


def test_another_form():
    with pytest.raises(UserError, match="line or json"):
        CallWriter("xml")
