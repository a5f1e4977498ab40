import io
from dataclasses import replace

import pytest

from open_llm_proxy.agent import exits
from open_llm_proxy.agent.events import (
    Asked,
    Connected,
    Delta,
    Ended,
    Reopened,
    Retried,
    ToolEnded,
    TurnEnded,
    TurnStarted,
)
from open_llm_proxy.agent.screen import Screen
from open_llm_proxy.agent.settings import Settings
from open_llm_proxy.agent.transcript import ToolCall, ToolResult, Transcript, Turn
from open_llm_proxy.agent.view import FOLD_LINES, View, summary

USAGE = {"prompt_tokens": 1200, "completion_tokens": 34}


@pytest.fixture
def transcript():
    return Transcript(Settings(model="m", session_id="the-session", proxy_url="http://a/v1"))


@pytest.fixture
def show(transcript):
    file = io.StringIO()
    view = View(Screen(file, rich=False), transcript)

    def show(*events):
        file.seek(0)
        file.truncate()
        for event in events:
            view(event)
        return file.getvalue()

    return show


def query(arguments='{"sql": "SELECT 1\\nFROM parks", "limit": 5}', **more):
    return ToolCall("call_1", "query", arguments, **more)


def test_a_server_and_what_it_offers(show):
    server = {"place": "http://a/mcp", "name": "parks", "version": "1.0", "tools": ["query", "describe"]}
    said = show(Connected(server | {"prompts": [{"name": "analyst"}], "resources": [{"uri": "parks://about"}]}))
    assert said.splitlines() == [
        "mcp   parks 1.0 at http://a/mcp",
        "      tools: query, describe",
        "      prompts: analyst",
        "      resources: parks://about",
    ]


def test_where_the_question_goes(show):
    assert show(Asked("How many?")).splitlines() == [
        "model m at http://a/v1, session the-session",
        "ask   How many?",
    ]


def test_a_turn_with_a_call(show):
    turn = Turn(1, tool_calls=[query()], usage=USAGE, latency_ms=1500, content="Let me see", request_id="abc")
    assert show(TurnStarted(turn), TurnEnded(turn)).splitlines() == [
        "",
        "[1]",
        "    Let me see",
        "    query  call_1",
        "        SELECT 1",
        "        FROM parks",
        '        {"limit": 5}',
        "    1.50 s · 1,200 + 34 tokens · abc",
    ]


def test_arguments_that_are_broken(show):
    assert "not valid JSON" in show(TurnEnded(Turn(1, tool_calls=[query("{", problem="not valid JSON")])))


def test_a_result_is_folded(show):
    text = "\n".join(f"row {number}" for number in range(100))
    said = show(ToolEnded(query(result=ToolResult(text, latency_ms=20, characters=len(text))))).splitlines()
    assert said[0] == "    query  call_1 gave 689 characters in 0.02 s"
    assert said[1 : 1 + FOLD_LINES] == [f"        row {number}" for number in range(FOLD_LINES)]
    assert said[-1] == "        … folded: 689 characters, 88 more lines"


def test_a_long_line_is_folded_too(show):
    said = show(ToolEnded(query(result=ToolResult("x" * 5000, characters=5000))))
    assert len(max(said.splitlines(), key=len)) < 200
    assert "… folded: 5,000 characters" in said


def test_a_short_result_is_shown_whole(show):
    said = show(ToolEnded(query(result=ToolResult("42", is_error=True, source="runner", characters=2))))
    assert said == "    query  call_1 failed 2 characters in 0.00 s, runner\n        42\n"


def test_an_answer_and_how_it_ended(show):
    turn = Turn(2, content="42 parks", finish_reason="length", latency_ms=0, attempts=2)
    assert show(TurnEnded(turn)) == "42 parks\n    0.00 s · length · 2 attempts\n"


def test_a_streamed_answer_is_not_shown_twice(show):
    turn = Turn(2, content="42 parks", reasoning_content="hm", finish_reason="stop", latency_ms=0)
    events = [Delta("", "h"), Delta("", "m"), Delta("42 ", ""), Delta("parks", ""), TurnEnded(turn)]
    assert show(*events) == "hm\n42 parks\n    0.00 s\n"


def test_a_streamed_answer_that_broke_off_is_followed_by_its_reason(show):
    said = show(Delta("42", ""), Retried("the connection broke"))
    assert said == "42\n    the connection broke; once more\n"


def test_a_session_that_was_opened_again(show):
    assert show(Reopened("http://a/mcp", "gone")) == "mcp   http://a/mcp: session lost (gone), opened again\n"


def test_the_summary(show, transcript):
    result = ToolResult("42", latency_ms=250)
    transcript.turns = [
        Turn(1, usage=USAGE, latency_ms=1000, tool_calls=[query(result=result)]),
        Turn(2, usage=USAGE | {"cost": 0.5}, latency_ms=500),
    ]
    transcript.answer = "42"
    said = show(Ended(transcript.end(exits.ANSWERED), "42"))
    assert said == (
        "\nanswered · 2 turns · 1 tool call · 2,400 + 68 tokens · $0.5000 · 1.50 s model, 0.25 s tools"
        " · session the-session\n"
    )


def test_the_summary_of_another_end(transcript):
    transcript.turns = [Turn(1)]
    transcript.end(exits.OUT_OF_TURNS)
    assert summary(transcript).startswith("out of turns · 1 turn · 0 tool calls · 0 + 0 tokens · ")
    assert summary(replace(transcript, exit=None)).startswith("running")
