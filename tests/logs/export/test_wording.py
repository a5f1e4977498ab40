from datetime import UTC, datetime

import pytest

from open_llm_proxy.logs.conversation import Item, Turn, Usage
from open_llm_proxy.logs.export import wording


def turn(**more):
    return Turn(**({"request_id": "r", "requested_at": None, "answered_at": None, "outcome": "ok"} | more))


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (None, "-"),
        (0, "0 ms"),
        (999, "999 ms"),
        (2310, "2.31 s"),
        (100_000, "100 s"),
        (600_000, "10 min"),
        (7_200_000, "2 h"),
    ],
)
def test_durations(ms, said):
    assert wording.say_duration(ms) == said


@pytest.mark.parametrize(
    ("usd", "said"), [(None, "-"), (0, "$0.00"), (0.00123, "$0.0012"), (0.0123, "$0.01"), (1234.5, "$1,234.50")]
)
def test_costs(usd, said):
    assert wording.say_cost(usd) == said


def test_tokens():
    assert wording.say_tokens(Usage()) == ""
    assert wording.say_tokens(Usage(total=1234)) == "1,234 tok"
    assert wording.say_tokens(Usage(prompt=1234, completion=5)) == "1,234 → 5 tok"


def test_times_are_utc():
    assert wording.say_time("2026-04-07T14:00:00+02:00") == "2026-04-07 12:00:00"
    assert wording.say_time(datetime(2026, 4, 7, 12, tzinfo=UTC), day=False) == "12:00:00"
    assert wording.say_time("2026-04-07T12:00:00") == "2026-04-07 12:00:00"
    assert (wording.say_time(None), wording.say_time("soon")) == ("-", "soon")


def test_nothing_steers_the_terminal():
    assert wording.clean("a\x1b[31mb\r\nc\td\x9b\x00") == "a\\x1b[31mb\nc\td\\x9b\\x00"


def test_what_is_not_there_says_so():
    assert wording.say_text(Item(kind="user", text=None)) == wording.NOT_LOGGED
    assert wording.say_text(Item(kind="user", text="a", cut=True)) == f"a {wording.CUT}"
    assert wording.say_title(Item(kind="tool_result", text="a", name="f\x1b")) == "Tool result: f\\x1b"


def test_the_margin():
    made = turn(latency_ms=1500, ttft_ms=20, usage=Usage(prompt=3, completion=4, cached=2, cost_usd=0.5))
    assert wording.say_margin(made) == ["1.5 s", "first 20 ms", "3 → 4 tok", "2 cached", "$0.50"]
    assert wording.say_margin(turn()) == []


def test_notes():
    assert wording.say_notes(turn(earlier_messages=1, retry=True)) == [
        "1 earlier message is in no record that was read",
        "the same request again",
    ]
    assert wording.say_notes(turn(earlier_messages=2)) == ["2 earlier messages are in no record that was read"]


def test_endings():
    assert wording.say_ending(turn(finish_reason="stop")) is None
    assert wording.say_ending(turn(finish_reason="length")) == "The answer ends early: length"
    assert wording.say_ending(turn(outcome="error", error="busy\x1b", status=503)) == "HTTP 503: busy\\x1b"
    assert wording.say_ending(turn(outcome="unanswered")).startswith("No answer")
