import asyncio
from dataclasses import replace as changed

import pytest
from tests.agent.conftest import tool
from tests.parts import answers
from tests.parts.mcp_server import EXAMPLE, command_line
from tests.parts.model_upstream import Pause, run_upstream

from open_llm_proxy.agent.mcp import Target
from open_llm_proxy.agent.original import Asked, Original
from open_llm_proxy.agent.replay import (
    Replay,
    Terms,
    check_tools,
    choose_prompt,
    origin_of,
    replay,
)
from open_llm_proxy.agent.settings import MCP_URL, Settings
from open_llm_proxy.agent.transcript import ToolCall, ToolResult, Transcript, Turn
from open_llm_proxy.errors import UserError

SQL = '{"sql": "SELECT 1"}'


@pytest.fixture(scope="module")
def upstream():
    with run_upstream() as running:
        yield running


@pytest.fixture
def original():
    calls = [ToolCall("c1", "query", SQL, result=ToolResult("forty-two"))]
    return Original(
        "s-1",
        "the-old-session",
        "https://geo.example.org/maps",
        "kimi",
        questions=[Asked("How many?"), Asked("And lakes?")],
        turns=[Turn(1, tool_calls=calls), Turn(2, content="42"), Turn(3, 2, content="7")],
        system_prompt="You are a geographer",
        tools=[tool("query", sql={"type": "string"})],
    )


@pytest.fixture
def run(upstream):
    upstream.reset()

    def run(original, **more):
        settings = Settings(
            f"{upstream.url}/v1", model="other", origin=origin_of(original), session_id="the-new-session"
        )
        settings = changed(settings, **{key: more.pop(key) for key in ("max_turns", "timeout_s") if key in more})
        terms = Terms(settings, original.system_prompt or "", **more)
        kept = Replay(Transcript(settings))
        asyncio.run(replay(original, terms, kept))
        return kept

    return run


def calls(*functions):
    written = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(functions)
    ]
    return answers.answer(answers.dump(answers.chat(None, tool_calls=written)))


def says(text):
    return answers.answer(answers.dump(answers.chat(text)))


def test_the_same_questions_with_recorded_tools(run, original, upstream):
    upstream.play(calls(("query", '{ "sql":"SELECT 1" }')))
    upstream.play(says("forty-two"))
    upstream.play(says("seven"))
    kept = run(original)
    transcript = kept.transcript
    assert (transcript.exit.code, transcript.questions) == (0, ["How many?", "And lakes?"])
    assert transcript.turns[0].tool_calls[0].result.source == "recorded"
    assert (kept.missing, kept.notes) == ([], [])
    seen = upstream.seen[-1]
    assert seen.header("origin") == "https://geo.example.org/maps/replay"
    assert (seen.json()["user"], seen.json()["model"]) == ("the-new-session", "other")
    assert [(one["role"], one["content"]) for one in seen.json()["messages"]] == [
        ("system", "You are a geographer"),
        ("user", "How many?"),
        ("assistant", None),
        ("tool", "forty-two"),
        ("assistant", "forty-two"),
        ("user", "And lakes?"),
    ]
    assert seen.json()["tools"] == original.tools


def test_a_call_that_is_not_in_the_log(run, original, upstream):
    upstream.play(calls(("query", '{"sql": "SELECT 2"}'), ("query", SQL)))
    kept = run(original)
    results = [one["content"] for one in upstream.seen[1].json()["messages"] if one["role"] == "tool"]
    assert results[0].startswith("no recorded result exists for this call")
    assert results[1] == "forty-two"
    assert [one.arguments for one in kept.missing] == ['{"sql":"SELECT 2"}']
    assert kept.transcript.exit.code == 0


def test_each_conversation_of_a_session_begins_anew(run, original, upstream):
    original.questions = [Asked("One?", 1), Asked("More?", 1), Asked("Two?", 2)]
    original.tools = []
    run(original)
    assert [[one["role"] for one in seen.json()["messages"]] for seen in upstream.seen] == [
        ["system", "user"],
        ["system", "user", "assistant", "user"],
        ["system", "user"],
    ]
    assert "tools" not in upstream.seen[0].json()


def test_live_tools(run, original, upstream):
    upstream.play(calls(("query", '{"sql": "SELECT 42 AS answer"}')))
    kept = run(original, tools_from="live", targets=(Target(command=command_line(EXAMPLE)),))
    assert kept.transcript.turns[0].tool_calls[0].result.source == "live"
    assert "42" in upstream.seen[1].json()["messages"][-1]["content"]
    assert [one["name"] for one in kept.transcript.servers] == ["parks"]


def test_recorded_results_with_a_servers_list_of_tools(run, original, upstream):
    original.tools = None
    upstream.play(calls(("query", SQL)))
    kept = run(original, targets=(Target(command=command_line(EXAMPLE)),))
    assert [one["function"]["name"] for one in upstream.seen[0].json()["tools"]] == ["query", "describe"]
    assert kept.transcript.turns[0].tool_calls[0].result.content == "forty-two"


def test_tools_that_the_session_used_and_nobody_offers_are_said(run, original):
    kept = run(original, tools_from="live", targets=())
    assert kept.notes == ["the session used tools that the replay is not offered: query"]


def test_no_servers_where_there_were_no_tools(run, original, upstream):
    original.tools, original.turns = [], []
    run(original, tools_from="live")
    assert "tools" not in upstream.seen[0].json()


@pytest.mark.parametrize(("places", "url"), [([], MCP_URL), (["http://127.0.0.1:9/mcp"], "http://127.0.0.1:9/mcp")])
def test_live_tools_that_nobody_named_are_the_sessions_own_or_the_groups(original, places, url):
    from open_llm_proxy.agent.replay import _own_targets

    original.places = places
    assert _own_targets(original) == (Target(url=url),)


@pytest.mark.parametrize("limit", [{"max_calls": 1}, {"max_cost": 0.0000001}])
def test_a_budget_stops_it(run, original, upstream, limit):
    called = {"id": "c", "type": "function", "function": {"name": "query", "arguments": SQL}}
    chat = answers.chat(None, tool_calls=[called])
    chat["usage"] = chat["usage"] | {"cost": 0.01}
    upstream.play(answers.answer(answers.dump(chat)))
    kept = run(original, **limit)
    assert (kept.transcript.exit.code, kept.transcript.exit.reason) == (3, "budget_spent")
    assert len(upstream.seen) == len(kept.transcript.turns) == 1


def test_a_sum_that_cannot_be_watched_is_said(run, original):
    original.tools = []
    kept = run(original, max_cost=1.0)
    assert "no answer named a cost: --max-cost could not be watched" in kept.notes


def test_it_ends_as_the_runner_does(run, original, upstream):
    upstream.play(calls(("query", SQL)))
    assert run(original, max_turns=1).transcript.exit.code == 3
    upstream.play(answers.answer(answers.dump(answers.openai_error(401, "x", "Invalid key")), 401))
    assert run(original).transcript.exit.code == 4
    upstream.play(Pause(60))
    assert run(original, timeout_s=0.3).transcript.exit.code == 6
    assert run(original, tools_from="live", targets=(Target(url="http://127.0.0.1:9/mcp"),)).transcript.exit.code == 5


def test_a_question_without_an_answer_ends_it(run, original, upstream):
    original.tools = []
    upstream.play(answers.answer(answers.dump(answers.openai_error(400, "x", "no")), 400))
    assert run(original).transcript.questions == ["How many?"]


@pytest.mark.parametrize(
    ("origin", "replayed"),
    [
        ("https://a.org", "https://a.org/replay"),
        ("https://a.org/app/", "https://a.org/app/replay"),
        ("https://a.org/app/replay", "https://a.org/app/replay/replay"),
        (None, "http://localhost/replay"),
    ],
)
def test_the_origin(original, origin, replayed):
    original.origin = origin
    assert origin_of(original) == replayed


def test_the_prompt(original):
    assert choose_prompt(original, None) == ("You are a geographer", [])
    assert choose_prompt(original, "Be brief") == ("Be brief", [])
    original.system_prompt = None
    assert choose_prompt(original, "Be brief") == ("Be brief", [])
    prompt, notes = choose_prompt(original, None)
    assert prompt == ""
    said = "The session s-1: its system prompt is not in the records; the replay has none."
    assert notes == [f"{said} --system-prompt PATH gives it one"]


def test_tools_that_are_not_known(original):
    assert check_tools(original, "recorded", None) == []
    original.tools, original.is_summary = None, True
    assert check_tools(original, "recorded", (Target(url="http://a/mcp"),)) == []
    with pytest.raises(UserError) as caught:
        check_tools(original, "recorded", None)
    assert str(caught.value) == (
        "The session s-1 was logged in summary mode: its list of tools is not in the records. "
        "Name the MCP server that has them: --mcp-url URL (and its prompt: --system-prompt PATH)"
    )
    original.turns = []
    (note,) = check_tools(original, "recorded", None)
    assert "it called none, and the replay has none" in note
    with pytest.raises(UserError):
        check_tools(original, "live", None)
