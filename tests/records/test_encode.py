"""Lines: compact, valid, never too long."""

import json

import pytest

from open_llm_proxy.records.build import Context, build_request, build_response
from open_llm_proxy.records.encode import RECORD_LIMIT_BYTES, encode, encode_line_for_stdout
from open_llm_proxy.records.types import ToolCallRecord


@pytest.fixture
def request_record(request_frame):
    def make(body, **context):
        return build_request(request_frame(body, origin="https://geo.example.org"), Context(**context)).record

    return make


@pytest.fixture
def response_record(response_frame):
    def make(body, **context):
        return build_response(response_frame(body), Context(**context))

    return make


def chat(*contents):
    return {"messages": [{"role": "user", "content": content} for content in contents]}


def test_a_line_is_compact_and_greppable(request_record):
    line = encode(request_record(chat("grüße\nzwei")))
    assert b'"origin":"https://geo.example.org"' in line
    assert b"\n" not in line
    assert "grüße\\nzwei".encode() in line


def test_a_lone_surrogate_becomes_a_replacement_character(response_record):
    record = response_record(
        b'{"choices": [{"message": {"content": "cut \\ud83d", "tool_calls": [{"id": "\\udc00"}]}}]}'
    )
    read = json.loads(encode(record).decode("utf-8"))
    assert (read["content"], read["tool_calls"][0]["id"]) == ("cut \ufffd", "\ufffd")


def test_the_longest_texts_are_cut_first_and_named(request_record):
    record = request_record(chat("a" * 9000, "b" * 5000), user_question_max=0)
    line = encode(record, 8000)
    read = json.loads(line)
    assert 7900 < len(line) < 8000
    assert read["truncated"] == ["user_question", "user_message_this_turn"]
    assert len(read["user_question"]) == len(read["user_message_this_turn"])
    only = json.loads(encode(record, 12_000))
    assert (only["truncated"], len(only["user_message_this_turn"])) == (["user_question"], 5000)


def test_a_record_keeps_under_15_mib(request_record):
    line = encode(request_record(chat("\x01" * 9_000_000), user_question_max=0, capture_mode="full"))
    assert len(line) < RECORD_LIMIT_BYTES == 15 * 1024 * 1024
    assert {"user_question", "user_message_this_turn", "messages"} >= set(json.loads(line)["truncated"]) != set()


def test_what_was_cut_before_stays_named(response_record):
    record = response_record(
        {"choices": [{"message": {"content": "c" * 9000, "reasoning": "r" * 5000}}]}, reasoning_max=4000
    )
    assert json.loads(encode(record, 6000))["truncated"] == ["reasoning_content", "content"]
    assert record.truncated == ["reasoning_content"]


def test_a_field_that_is_large_by_its_structure_is_taken_out(request_record):
    record = request_record({"messages": [{"role": "user", "content": [[]] * 4000}]}, capture_mode="full")
    read = json.loads(encode(record, 5000))
    assert (read["messages"], read["truncated"]) == (None, ["messages"])


def test_stdout_lines_are_cut(request_record, response_record):
    call = {"id": "t", "function": {"name": "f", "arguments": "x" * 500}}
    message = {"content": "c" * 500, "tool_calls": [call]}
    record = response_record(
        {"choices": [{"message": message}, {"index": 1, "message": message}], "usage": {"total_tokens": 3}}
    )
    read = json.loads(encode_line_for_stdout(record, 50))
    whole = json.loads(encode(record))
    assert list(read) == list(whole)
    assert (read["content"], read["tool_calls"][0]["arguments"]) == ("c" * 50, "x" * 50)
    assert (read["choices"][1]["content"], read["tokens"]) == ("c" * 50, {"total_tokens": 3})
    assert whole["content"] == "c" * 500


def test_stdout_lines_keep_what_is_looked_for(request_record):
    record = request_record(chat("q" * 100), capture_mode="full")
    read = json.loads(encode_line_for_stdout(record, 10))
    assert read["origin"] == "https://geo.example.org"
    assert (read["request_id"], read["timestamp"]) == (record.request_id, record.timestamp)
    assert read["user_question"] == "q" * 10
    assert "messages" not in read
    assert "messages" in json.loads(encode(record))


def test_stdout_lines_are_whole_without_a_limit(request_record):
    record = request_record(chat("q" * 1000), capture_mode="full")
    assert encode_line_for_stdout(record, 0) == encode(record)


def test_a_line_that_needs_no_cut_is_not_made_again(response_record):
    call = {"id": "1", "function": {"name": "look_up", "arguments": "short"}}
    usage = {"total_tokens": 3, "details": {"names": ["x"]}}
    record = response_record({"choices": [{"message": {"content": "c", "tool_calls": [call]}}], "usage": usage})
    line = encode(record)
    assert encode_line_for_stdout(record, 64, line) is line
    assert encode_line_for_stdout(record, 64) == line


@pytest.mark.parametrize(
    ("field", "value", "left"),
    [
        ("tokens", {"a": 1, "b": ["c" * 70]}, {"a": 1, "b": ["c" * 64]}),
        ("attempt_log", ["fine", "d" * 70], ["fine", "d" * 64]),
        ("tool_calls", [ToolCallRecord("1", "n", "e" * 70)], [{"id": "1", "name": "n", "arguments": "e" * 64}]),
    ],
)
def test_what_is_cut_for_stdout_is_whole_in_the_record(response_record, field, value, left):
    record = response_record({"choices": []})
    setattr(record, field, value)
    line = encode(record)
    assert json.loads(encode_line_for_stdout(record, 64, line)) == json.loads(line) | {field: left}
    assert encode(record) == line


def test_what_was_cut_is_named_whole_on_stdout_and_no_conversation_stands_there(request_record):
    record = request_record(chat("q" * 99), user_question_max=9)
    empty = request_record({"messages": []}, capture_mode="full")
    short = json.loads(encode_line_for_stdout(record, 3))
    assert (short["user_question"], short["truncated"]) == ("qqq", ["user_question", "user_message_this_turn"])
    assert empty.messages == []
    assert "messages" not in json.loads(encode_line_for_stdout(empty, 200))
