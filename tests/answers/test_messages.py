"""Anthropic's messages API in the fields of a chat answer."""

import json

from open_llm_proxy.answers.answer import Answer, Choice, ToolCall
from open_llm_proxy.answers.assemble import assemble
from open_llm_proxy.answers.messages import MAX_BLOCKS

MESSAGE = {
    "id": "msg_01",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-8",
    "content": [
        {"type": "thinking", "thinking": "Weather, then.", "signature": "EqQB"},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"place": "Bern", "days": 2}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "cache_read_input_tokens": 100, "output_tokens": 7},
}
CHOICE = Choice(
    0,
    "Let me look.",
    "Weather, then.",
    None,
    [ToolCall("toolu_01", "get_weather", '{"place":"Bern","days":2}')],
    "tool_use",
)


def plain(body) -> Answer:
    return assemble(json.dumps(body).encode(), "messages", "application/json")


def streamed(*events) -> Answer:
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return assemble(body.encode(), "messages", "text/event-stream; charset=utf-8")


def block(index, start, *deltas):
    yield {"type": "content_block_start", "index": index, "content_block": start}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def events():
    begun = MESSAGE | {
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 9, "cache_read_input_tokens": 100, "output_tokens": 1},
    }
    yield {"type": "message_start", "message": begun}
    yield from block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Weather"},
        {"type": "thinking_delta", "thinking": ", then."},
        {"type": "signature_delta", "signature": "EqQB"},
    )
    yield {"type": "ping"}
    yield from block(
        1,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "Let me"},
        {"type": "text_delta", "text": " look."},
    )
    yield from block(
        2,
        {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {}},
        {"type": "input_json_delta", "partial_json": ""},
        {"type": "input_json_delta", "partial_json": '{"place": "Be'},
        {"type": "input_json_delta", "partial_json": 'rn", "days": 2}'},
    )
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 7},
    }
    yield {"type": "message_stop"}


def test_a_plain_message():
    answer = plain(MESSAGE)
    assert answer.choices == [CHOICE]
    assert (answer.id, answer.model, answer.usage, answer.ended) == (
        "msg_01",
        "claude-opus-4-8",
        MESSAGE["usage"],
        True,
    )


def test_a_streamed_message_is_the_plain_one():
    answer = streamed(*events())
    answer.streamed = False
    assert answer == plain(MESSAGE)


def test_a_broken_stream_gives_what_arrived():
    answer = streamed(*list(events())[:-4])
    (choice,) = answer.choices
    assert (choice.content, choice.finish_reason, answer.ended) == ("Let me look.", None, False)
    assert choice.tool_calls == [ToolCall("toolu_01", "get_weather", '{"place": "Be')]


def test_a_tool_without_input():
    answer = streamed(*block(0, {"type": "tool_use", "id": "t", "name": "now", "input": {}}))
    assert answer.tool_calls == [ToolCall("t", "now", "{}")]


def test_an_error_in_the_stream():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    answer = streamed(*list(events())[:5], error)
    assert json.loads(answer.error or "") == error
    assert answer.reasoning == "Weather, then."


def test_deltas_whose_start_was_lost():
    deltas = [{"type": "text_delta", "text": "a"}, {"type": "unknown_delta", "text": "b"}, None]
    answer = streamed(*({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas))
    assert answer.content == "a"


def test_blocks_and_events_of_other_kinds_are_passed_over():
    search = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    assert plain(MESSAGE | {"content": [search, *MESSAGE["content"]]}).choices == [CHOICE]
    answer = streamed({"type": "message_stop_soon"}, *events())
    assert answer.choices == [CHOICE]


def test_a_message_that_says_nothing_has_no_choice():
    assert plain({"id": "msg_01", "content": [], "stop_reason": None}).choices == []
    answer = streamed({"type": "ping"}, {"type": "message_stop"})
    assert (answer.choices, answer.usage, answer.ended) == ([], None, True)


def test_more_blocks_than_anybody_sends_are_left_out():
    begun = [{"type": "content_block_start", "content_block": {"type": "text", "text": "a"}}] * (MAX_BLOCKS + 1)
    late = {"type": "content_block_delta", "index": MAX_BLOCKS + 7, "delta": {"type": "text_delta", "text": "b"}}
    assert streamed(*begun, late).content == "a" * MAX_BLOCKS
