import io

import pytest
from rich.console import Console

from open_llm_proxy.cli.logs.conversation_view import show_conversation
from open_llm_proxy.logs.weave import weave

LONG = "\n".join(f"row {number}" for number in range(40))


def record(kind, number, **more):
    return {
        "type": kind,
        "request_id": f"{number:032x}",
        "timestamp": f"2026-04-07T12:00:0{number}.000000Z",
        "session_id": "s",
        "model": "kimi",
        **more,
    }


RECORDS = [
    record("request", 1, user_question="How many?", user_message_this_turn="How many?", message_count=1),
    record(
        "response", 1, reasoning_content="First this.\nThen that.\nAnd at last this.", latency_ms=1200, tokens={"prompt_tokens": 8, "completion_tokens": 2},
        tool_calls=[{"id": "c", "name": "query", "arguments": '{"sql": "SELECT 42 AS n", "limit": 3}'}],
    ),
    record("request", 2, user_question="How many?", message_count=3, tool_results_this_turn=[{"tool_call_id": "c", "content": LONG}]),
    record("response", 2, content="\x1b[31m42", finish_reason="stop"),
    record("request", 3, user_question="How many?", user_message_this_turn="Sure?", message_count=5),
    record("response", 3, error="Provider returned 503: busy", status=503),
    record("request", 4, user_question="Hello", message_count=1, content_logged=False),
]  # fmt: skip


@pytest.fixture
def shown():
    def shown(**more):
        console = Console(file=io.StringIO(), width=100)
        show_conversation(weave(RECORDS), console, **more)
        return console.file.getvalue()

    return shown


def test_a_conversation_reads_from_top_to_bottom(shown):
    text = shown()
    words = [
        "How many?",
        "First this.",
        "Tool call: query",
        "SELECT 42 AS n",
        "limit: 3",
        "Tool result: query",
        "row 0",
        "x1b[31m42",
        "Sure?",
        "HTTP 503",
    ]
    places = [text.index(word) for word in words]
    assert places == sorted(places)
    assert "\x1b" not in text


def test_times_and_tokens_stand_in_the_margin(shown):
    lines = [line[:20] for line in shown().splitlines()]
    for words in ("12:00:01", "1.2 s", "8 → 2 tok", "000000000000000"):
        assert any(words in line for line in lines)


def test_what_is_long_is_folded_and_can_be_unfolded(shown):
    assert "row 20" not in shown()
    assert "28 more lines" in shown()
    assert "at last" not in shown()
    assert "row 39" in shown(unfold=True)
    assert "at last" in shown(unfold=True)
    assert "more lines" not in shown(unfold=True)


def test_threads_are_told_apart(shown):
    assert "conversation 2 of 2" in shown()
