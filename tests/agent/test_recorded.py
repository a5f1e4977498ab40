import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from open_llm_proxy.agent.recorded import RecordedTools, canonical, key_of
from open_llm_proxy.agent.transcript import ToolCall, ToolResult


def called(name, arguments, content, **more):
    result = None if content is None else ToolResult(content, **more)
    return ToolCall("id", name, arguments, result=result)


def ask(tools, name, **arguments):
    return asyncio.run(tools.call(name, arguments))


@pytest.fixture
def tools():
    return RecordedTools(
        [],
        [
            called("query", '{"sql": "SELECT 1", "limit": 10}', "one"),
            called("query", '{"sql": "SELECT 2"}', "first"),
            called("query", '{"sql": "SELECT 2"}', "second", is_error=True),
            called("describe", "", "columns"),
            called("lost", "{}", None),
            called("query", '{"sql": "brok', "the arguments are not valid JSON", is_error=True),
        ],
    )


def test_the_same_call_gives_what_it_gave(tools):
    assert ask(tools, "query", limit=10.0, sql="SELECT 1") == ("one", False, "recorded")
    assert ask(tools, "describe") == ("columns", False, "recorded")
    assert tools.missing == []


def test_repeated_calls_give_their_results_in_order_and_then_the_last_one(tools):
    given = [ask(tools, "query", sql="SELECT 2") for _ in range(4)]
    assert [(one.text, one.is_error) for one in given] == [("first", False), *[("second", True)] * 3]


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("query", {"sql": "SELECT 1"}, "did not make it"),
        ("query", {"sql": "select 1", "limit": 10}, "did not make it"),
        ("lost", {}, "lost was never called in it"),
        ("describe", {"table": "parks"}, "did not make it"),
    ],
)
def test_another_call_is_an_error_that_says_so_and_is_noted(tools, name, arguments, said):
    answer = ask(tools, name, **arguments)
    assert (answer.is_error, answer.source) == (True, "recorded")
    assert answer.text.startswith("no recorded result exists for this call")
    assert said in answer.text
    assert [(one.name, json.loads(one.arguments)) for one in tools.missing] == [(name, arguments)]


@settings(max_examples=25)
@given(st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)))
def test_order_and_white_space_are_no_matter(arguments):
    other = json.loads(json.dumps(dict(reversed(arguments.items())), indent=3))
    assert key_of("a", arguments) == key_of("a", other)
    assert json.loads(canonical(arguments)) == arguments


def test_values_of_other_types_are_other_calls():
    assert len({canonical(value) for value in (1, "1", True, None, [1], {"1": 1}, 1.5)}) == 7
    assert canonical(1) == canonical(1.0)
