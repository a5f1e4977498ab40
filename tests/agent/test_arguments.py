import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.agent.arguments import is_sql, mend_calls, read_arguments

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_an_object_is_taken_as_it_was_written():
    read = read_arguments('{"sql":  "SELECT 1"}')
    assert read == ({"sql": "SELECT 1"}, '{"sql":  "SELECT 1"}', "")


@pytest.mark.parametrize("written", [None, "", "  \n"])
def test_nothing_is_no_arguments(written):
    assert read_arguments(written) == ({}, "{}", "")


def test_an_object_that_is_no_text_is_taken_too():
    assert read_arguments({"a": "ü"}) == ({"a": "ü"}, '{"a": "ü"}', "")


@pytest.mark.parametrize("written", ['{"sql": "SELECT', "SELECT 1", "{'a': 1}", "[" * 100_000])
def test_broken_json_is_mended_and_said_to_the_model(written):
    read = read_arguments(written)
    assert (read.values, read.text) == ({}, "{}")
    assert "not valid JSON" in read.problem
    assert written[:100] in read.problem
    assert len(read.problem) < 700


@pytest.mark.parametrize("written", ["[1]", '"text"', "1", "null", 7])
def test_json_that_is_no_object(written):
    assert read_arguments(written).text == "{}"
    assert "not a JSON object" in read_arguments(written).problem


@given(st.text() | JSON)
def test_what_goes_into_the_history_is_an_object_whatever_was_written(written):
    read = read_arguments(written)
    assert json.loads(read.text) == read.values
    assert isinstance(read.values, dict)


def test_calls_keep_what_a_provider_added_and_lose_the_index():
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": 1}
    assert mend_calls([call]) == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": 1}
    ]


def test_each_call_gets_an_id_of_its_own():
    function = {"name": "f", "arguments": "{}"}
    mended = mend_calls([{"id": "a", "function": function}, {"id": "a", "function": function}, {"function": function}])
    assert mended[0]["id"] == "a"
    assert len({call["id"] for call in mended}) == 3
    assert {call["type"] for call in mended} == {"function"}


@pytest.mark.parametrize("written", [None, {}, "calls", 1])
def test_no_list_is_no_calls(written):
    assert mend_calls(written) == []


@given(JSON)
def test_any_shape_of_calls_is_mended(written):
    for call in mend_calls(written if isinstance(written, list) else [written]):
        assert isinstance(call["id"], str)
        assert call["function"]["name"]


@pytest.mark.parametrize(
    ("name", "value", "sql"),
    [
        ("sql", "anything", True),
        ("statement", "select 1", True),
        ("statement", "  WITH a AS (SELECT 1) FROM a", True),
        ("question", "Which parks are large?", False),
        ("sql", 1, False),
        ("text", "", False),
    ],
)
def test_sql_is_known_by_its_name_or_its_beginning(name, value, sql):
    assert is_sql(name, value) is sql
