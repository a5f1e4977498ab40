"""Tool calls from deltas, as differently as providers cut them."""

import pytest

from open_llm_proxy.answers.answer import Text, ToolCall
from open_llm_proxy.answers.tool_deltas import MAX_CALLS, ToolDeltas, plain_calls


def join(*deltas):
    calls = ToolDeltas()
    for delta in deltas:
        calls.add({"tool_calls": delta if isinstance(delta, list) else [delta]})
    return calls.join()


def call(index="absent", id=None, name=None, arguments=None):  # noqa: A002 - the field's name
    made = {"function": {}}
    if index != "absent":
        made["index"] = index
    if id is not None:
        made |= {"id": id, "type": "function"}
    if name is not None:
        made["function"]["name"] = name
    if arguments is not None:
        made["function"]["arguments"] = arguments
    return made


def test_fragments_by_index():
    assert join(
        call(0, "a", "f", ""),
        call(0, arguments='{"x"'),
        call(1, "b", "g", ""),
        call(0, arguments=":1}"),
        call(1, arguments="{}"),
    ) == [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}")]


@pytest.mark.parametrize("index", ["absent", None])
def test_fragments_without_an_index_continue_the_last_call(index):
    assert join(
        call(index, "a", "f", '{"x"'),
        call(index, arguments=":1}"),
        call(index, "b", "g", "{"),
        call(index, arguments="}"),
    ) == [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}")]


def test_whole_calls_that_are_all_numbered_0():
    assert join([call(0, "a", "f", "{}"), call(0, "b", "g", '{"y":2}')]) == [
        ToolCall("a", "f", "{}"),
        ToolCall("b", "g", '{"y":2}'),
    ]


def test_id_and_name_that_come_with_each_fragment():
    assert join(call(0, "a", "f", '{"x"'), call(0, "a", "f", ":1}")) == [ToolCall("a", "f", '{"x":1}')]


def test_a_whole_call_that_is_repeated_at_the_end_counts_once():
    assert join(call(0, "a", "f", '{"x"'), call(0, arguments=":1}"), call(0, "a", "f", '{"x":1}')) == [
        ToolCall("a", "f", '{"x":1}')
    ]


def test_an_empty_object_before_the_arguments_is_no_part_of_them():
    assert join(call(0, "a", "f", "{}"), call(0, arguments='{"x":1}')) == [ToolCall("a", "f", '{"x":1}')]


def test_a_fragment_that_only_looks_like_a_repetition_is_appended():
    assert join(call(0, "a", "f", '{"a":{}'), call(0, arguments="}")) == [ToolCall("a", "f", '{"a":{}}')]


def test_calls_without_ids_are_told_apart_by_name():
    assert join(call(name="f", arguments="{}"), call(name="g", arguments="{}")) == [
        ToolCall(None, "f", "{}"),
        ToolCall(None, "g", "{}"),
    ]


def test_the_older_function_call():
    calls = ToolDeltas()
    calls.add({"function_call": {"name": "f", "arguments": '{"x"'}})
    calls.add({"function_call": {"arguments": ":1}"}})
    assert calls.join() == [ToolCall(None, "f", '{"x":1}')]
    assert plain_calls({"function_call": {"name": "f", "arguments": "{}"}}) == [ToolCall(None, "f", "{}")]


def test_arguments_that_are_an_object_become_their_text():
    assert plain_calls({"tool_calls": [call(id="a", name="f", arguments={"x": 1})]}) == [ToolCall("a", "f", '{"x":1}')]


def test_malformed_calls_are_read_as_far_as_they_go():
    odd = [None, 3, {"function": None}, {"id": 7, "function": {"name": [], "arguments": None}}]
    assert plain_calls({"tool_calls": odd}) == [ToolCall(None, None, ""), ToolCall(None, None, "")]
    assert join(odd) == [ToolCall(None, None, "")]
    assert plain_calls({"tool_calls": {"no": "list"}}) == []


def test_a_call_that_is_not_whole_is_not_begun_again():
    assert join(call(0, "a", "f", '{"x": "}'), call(0, arguments="{'y': \"}\"}")) == [
        ToolCall("a", "f", '{"x": "}{\'y\': "}"}')
    ]


def test_an_id_that_comes_late_is_known_from_then_on():
    assert join(call(0, name="f"), call(0, "a"), call(1, "b", "g", "{}"), call("absent", "a", arguments="{}")) == [
        ToolCall("a", "f", "{}"),
        ToolCall("b", "g", "{}"),
    ]


def test_more_calls_than_anybody_makes_are_left_out():
    calls = join(
        *(call(0, f"call_{number}", "f", "{}") for number in range(MAX_CALLS + 3)), call(0, "call_1", arguments=" ")
    )
    assert len(calls) == MAX_CALLS
    assert calls[1] == ToolCall("call_1", "f", "{} ")


def test_a_fragment_too_short_to_repeat_the_call_costs_no_look_at_it(monkeypatch):
    """Looking each time would be quadratic: an answer of braces would keep the recorder busy for minutes."""
    looks = []
    real = Text.join
    monkeypatch.setattr(Text, "join", lambda text: (looks.append(text), real(text))[1])
    assert join(*(call(0, arguments="{") for _ in range(1000))) == [ToolCall(None, None, "{" * 1000)]
    assert len(looks) == 2  # at the second, and at the end
