import json

import pytest

from open_llm_proxy.agent import exits
from open_llm_proxy.agent.comparison import compare, diff_arguments, figures_of, pair_calls
from open_llm_proxy.agent.original import Asked, Original
from open_llm_proxy.agent.recorded import Missing
from open_llm_proxy.agent.replay import Replay
from open_llm_proxy.agent.settings import Settings
from open_llm_proxy.agent.transcript import ToolCall, ToolResult, Transcript, Turn


def call(name, arguments="{}", *, failed=False):
    return ToolCall("id", name, arguments, result=ToolResult("x", is_error=failed, source="recorded"))


def sql(text):
    return call("query", json.dumps({"sql": text, "limit": 10}))


def usage(prompt, completion, cost=None):
    return {"prompt_tokens": prompt, "completion_tokens": completion} | ({} if cost is None else {"cost": cost})


def make_original():
    turns = [
        Turn(1, 1, latency_ms=100, tool_calls=[sql("SELECT a\nFROM t"), call("describe")], usage=usage(10, 5, 0.25)),
        Turn(2, 1, latency_ms=200, content="There are 42.", usage=usage(20, 5, 0.25), upstream_model="up-kimi"),
        Turn(3, 2, latency_ms=300, content="7", usage=usage(30, 5)),
    ]
    return Original(
        "s-1",
        "old",
        "https://geo.example.org",
        "kimi",
        [Asked("How many?"), Asked("And lakes?")],
        turns,
        system_sha256="5" * 64,
        notes=["a note of the original"],
    )


def make_replay():
    settings = Settings(model="other", origin="https://geo.example.org/replay", session_id="new")
    transcript = Transcript(settings, system_prompt="Be brief")
    transcript.turns = [
        Turn(1, 1, latency_ms=50, tool_calls=[sql("SELECT b\nFROM t")], usage=usage(8, 4)),
        Turn(2, 1, latency_ms=50, tool_calls=[call("count", failed=True)], usage=usage(8, 4)),
        Turn(3, 1, latency_ms=50, content=" There are 41. ", usage=usage(8, 4), upstream_model="up-other"),
        Turn(4, 2, latency_ms=50, content="7 ", usage=usage(8, 4)),
    ]
    transcript.end(exits.ANSWERED)
    return Replay(transcript, [Missing("count", "{}")], ["a note of the replay"])


@pytest.fixture
def comparison():
    return compare(make_original(), make_replay(), ["a note of the terms"])


def test_answers_are_compared_by_question(comparison):
    assert [(one.text, one.is_same_answer) for one in comparison.questions] == [
        ("How many?", False),
        ("And lakes?", True),
    ]
    assert comparison.questions[0].answer_diff == ["@@ -1 +1 @@", "-There are 42.", "+There are 41."]
    assert comparison.questions[1].answer_diff == []
    assert not comparison.is_same


def test_tool_calls_that_differ(comparison):
    first, second, third = comparison.questions[0].calls
    assert [pair.difference for pair in (first, second, third)] == ["changed", "only_original", "only_replay"]
    (changed,) = first.arguments
    assert (changed.name, changed.is_sql) == ("sql", True)
    assert changed.lines == ["@@ -1,2 +1,2 @@", "-SELECT a", "+SELECT b", " FROM t"]
    assert (second.name, third.name) == ("describe", "count")


def test_figures(comparison):
    assert comparison.original.figures == figures_of(make_original().turns)
    assert (comparison.original.figures.turns, comparison.original.figures.cost) == (3, 0.5)
    assert (comparison.replay.figures.turns, comparison.replay.figures.cost) == (4, None)
    assert (comparison.replay.figures.tool_calls, comparison.replay.figures.failed_tool_calls) == (2, 1)
    assert comparison.replay.figures.prompt_tokens == 32
    assert comparison.questions[0].original.model_ms == 300
    nothing = figures_of([])
    assert (nothing.turns, nothing.prompt_tokens, nothing.model_ms) == (0, None, None)


def test_the_whole_as_json(comparison):
    value = json.loads(json.dumps(comparison.to_json()))
    assert value["same"] is False
    assert value["exit"]["code"] == 0
    assert value["original"]["upstream_models"] == ["up-kimi"]
    assert value["replay"]["model"] == "other"
    assert value["not_recorded"] == [{"name": "count", "arguments": "{}"}]
    assert value["notes"] == ["a note of the original", "a note of the terms", "a note of the replay"]
    assert value["questions"][0]["same_answer"] is False
    assert value["questions"][0]["calls"][0]["difference"] == "changed"


def test_nothing_differs():
    kept = make_replay()
    kept.transcript.turns = make_original().turns
    assert compare(make_original(), kept).is_same


def test_a_replay_that_was_cut_short():
    kept = make_replay()
    kept.transcript.turns, kept.transcript.exit = [], None
    comparison = compare(make_original(), kept)
    assert [one.replay_answer for one in comparison.questions] == [None, None]
    assert comparison.exit == {}


def kinds(one, two):
    return [(pair.difference, pair.name) for pair in pair_calls(one, two)]


def test_calls_meet_in_order():
    assert kinds([call("a"), call("b")], [call("a"), call("x"), call("b")]) == [
        ("same", "a"),
        ("only_replay", "x"),
        ("same", "b"),
    ]
    assert kinds([call("q", '{"a":1}')], [call("q", '{"a": 1.0}')]) == [("same", "q")]
    assert kinds([call("q", '{"a":1}')], [call("x"), call("q", '{"a":2}')]) == [("only_replay", "x"), ("changed", "q")]
    assert kinds([call("q", "{broken")], [call("q", "{broken")]) == [("same", "q")]
    assert kinds([], []) == []


def test_arguments_that_differ():
    found = diff_arguments('{"a": 1, "b": [1, 2], "c": "x"}', '{"a": 1, "b": [1, 3], "d": "y"}')
    assert [one.name for one in found] == ["b", "c", "d"]
    assert found[1].lines == ["@@ -1 +0,0 @@", "-x"]
    (broken,) = diff_arguments('{"a": 1}', '{"a": ')
    assert (broken.name, broken.lines[1:]) == ("", ['-{"a": 1}', '+{"a":'])


def test_lines_that_look_like_a_diffs_head_are_kept():
    (found,) = diff_arguments('{"sql": "-- one\\nSELECT 1"}', '{"sql": "-- two\\nSELECT 1"}')
    assert found.lines == ["@@ -1,2 +1,2 @@", "--- one", "+-- two", " SELECT 1"]
