"""Plain and streamed answers read the same; odd ones never raise."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.answers.answer import Answer, ToolCall
from open_llm_proxy.answers.api import api_of
from open_llm_proxy.answers.assemble import assemble

CHAT = api_of("/v1/chat/completions")


def read_plain(data):
    return assemble(data, CHAT, "application/json")


def read_stream(data):
    return assemble(data, CHAT, "text/event-stream")


def stream(*chunks, done=True):
    body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    return body + b"data: [DONE]\n\n" if done else body


def delta(finish_reason=None, index=0, **fields):
    return {
        "id": "c1",
        "model": "m",
        "choices": [{"index": index, "delta": fields, "finish_reason": finish_reason}],
    }


def plain(finish_reason="stop", **message):
    return json.dumps(
        {"id": "c1", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}
    ).encode()


def test_content_of_a_stream_is_joined():
    answer = read_stream(
        stream(delta(role="assistant", content=""), delta(content="Hel"), delta(content="lo"), delta("stop"))
    )
    assert answer.choices[0].content == "Hello"
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.id, answer.model, answer.ended) == ("c1", "m", True)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_under_either_name(name):
    assert read_stream(stream(delta(**{name: "a"}), delta(**{name: "b"}))).choices[0].reasoning == "ab"
    assert read_plain(plain(content="x", **{name: "ab"})).choices[0].reasoning == "ab"


def test_tool_calls_are_put_together_by_index():
    answer = read_stream(
        stream(
            delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x"'}}]),
            delta(tool_calls=[{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}}]),
            delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}]),
            delta("tool_calls"),
        )
    )
    assert answer.choices[0].tool_calls == [ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", "{}")]


def test_calls_without_an_index_are_told_apart_by_id():
    answer = read_stream(
        stream(
            delta(tool_calls=[{"id": "a", "function": {"name": "f", "arguments": "{}"}}]),
            delta(tool_calls=[{"id": "b", "function": {"name": "g", "arguments": "{}"}}]),
        )
    )
    assert [call.id for call in answer.choices[0].tool_calls] == ["a", "b"]


def test_several_choices_and_a_refusal():
    answer = read_stream(stream(delta(index=1, content="one"), delta(index=0, refusal="no"), delta("stop", index=0)))
    assert [(choice.index, choice.content, choice.refusal) for choice in answer.choices] == [
        (0, None, "no"),
        (1, "one", None),
    ]


@pytest.mark.parametrize("where", ["last chunk", "every chunk", "choice"])
def test_usage_wherever_it_comes(where):
    usage = {"total_tokens": 5}
    chunks = {
        "last chunk": [delta(content="a"), {"choices": [], "usage": usage}],
        "every chunk": [delta(content="a") | {"usage": {"total_tokens": 1}}, delta("stop") | {"usage": usage}],
        "choice": [{"choices": [{"index": 0, "delta": {"content": "a"}, "usage": usage}]}],
    }[where]
    assert read_stream(stream(*chunks)).usage == usage


def test_a_stream_that_just_stops_has_not_ended():
    assert not read_stream(stream(delta(content="a"), done=False)).ended
    assert read_stream(stream(delta(content="a"), delta("length"), done=False)).ended


def test_an_error_in_a_200_is_found():
    assert "overloaded" in (read_plain(b'{"error": {"message": "overloaded"}}').error or "")
    assert "overloaded" in (read_stream(stream({"error": {"message": "overloaded"}})).error or "")


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": null}',
        b'{"choices": [null, 3, {"message": null}]}',
        b'{"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"function": null}, 7]}}]}',
        b'{"usage": "many", "model": 3}',
    ],
)
def test_odd_answers_are_read_as_far_as_they_go(body):
    assert read_plain(body).readable


def test_content_as_a_list_is_joined():
    body = b'{"choices": [{"message": {"content": [{"text": "a"}, {"image": 1}, {"text": "b"}]}}]}'
    assert read_plain(body).choices[0].content == "ab"


def test_no_json_is_said():
    assert read_plain(b"<html>").readable is False


def test_text_completions():
    assert read_plain(b'{"choices": [{"text": "abc", "finish_reason": "stop"}]}').choices[0].content == "abc"


@given(st.binary(max_size=400))
def test_bytes_of_any_kind_never_raise(data):
    assert isinstance(read_plain(data), Answer)
    assert isinstance(read_stream(data), Answer)
    assert isinstance(read_stream(b"data: " + data + b"\n\n"), Answer)


@given(st.lists(st.text(max_size=8), max_size=8))
def test_a_streamed_answer_reads_as_the_plain_one(words):
    text = "".join(words)
    streamed = read_stream(stream(*(delta(content=word) for word in words), delta("stop")))
    assert (streamed.choices[0].content or "") == (read_plain(plain(content=text)).choices[0].content or "")


def test_a_body_that_is_known_to_end_early_may_still_be_no_json():
    for body in (b"<html>", b'{"choices": [}', b"\x00"):
        assert assemble(body, CHAT, "application/json", whole=False) == Answer(readable=False)
    answer = assemble(b'{"id": "c", "choices": [{"message": {"content": "half a wo', CHAT, whole=False)
    assert (answer.id, answer.content, answer.ended) == ("c", "half a wo", False)
