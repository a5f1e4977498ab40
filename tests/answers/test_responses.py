"""The responses API: its objects and its events in the fields of a chat answer."""

import json

from open_llm_proxy.answers.answer import Answer, Choice, ToolCall
from open_llm_proxy.answers.assemble import assemble
from open_llm_proxy.answers.responses import MAX_ITEMS

OUTPUT = [
    {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Thinking it over."}]},
    {
        "id": "msg_1",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": "It rains."}],
    },
    {
        "id": "fc_1",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_1",
        "name": "get_weather",
        "arguments": '{"place":"Bern"}',
    },
]
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "model": "gpt-5.1",
    "output": OUTPUT,
    "usage": {"input_tokens": 9, "output_tokens": 7, "total_tokens": 16},
}
CHOICE = Choice(
    0, "It rains.", "Thinking it over.", None, [ToolCall("call_1", "get_weather", '{"place":"Bern"}')], "completed"
)


def plain(body) -> Answer:
    return assemble(json.dumps(body).encode(), "responses", "application/json")


def streamed(*events) -> Answer:
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return assemble(body.encode(), "responses", "text/event-stream; charset=utf-8")


def deltas():
    """OpenAI's events for ``OUTPUT``, without the ones that repeat a part or an item whole."""
    yield {"type": "response.created", "response": RESPONSE | {"status": "in_progress", "output": [], "usage": None}}
    yield {"type": "response.output_item.added", "output_index": 0, "item": OUTPUT[0] | {"summary": []}}
    for piece in ("Thinking ", "it over."):
        yield {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": piece}
    yield {"type": "response.output_item.added", "output_index": 1, "item": OUTPUT[1] | {"content": []}}
    for piece in ("It ", "rains."):
        yield {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": piece}
    yield {"type": "response.output_item.added", "output_index": 2, "item": OUTPUT[2] | {"arguments": ""}}
    for piece in ('{"place":', '"Bern"}'):
        yield {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": piece}


def test_a_plain_response():
    answer = plain(RESPONSE)
    assert answer.choices == [CHOICE]
    assert (answer.id, answer.model, answer.usage) == ("resp_1", "gpt-5.1", RESPONSE["usage"])
    assert (answer.ended, answer.error) == (True, None)


def test_a_stream_whose_last_event_holds_it_whole():
    answer = streamed(*deltas(), {"type": "response.completed", "response": RESPONSE})
    assert (answer.choices, answer.usage, answer.ended) == ([CHOICE], RESPONSE["usage"], True)


def test_a_stream_whose_last_event_has_no_output():
    answer = streamed(*deltas(), {"type": "response.completed", "response": RESPONSE | {"output": []}})
    assert answer.choices == [CHOICE]


def test_a_broken_stream_gives_what_arrived():
    answer = streamed(*list(deltas())[:-1])
    (choice,) = answer.choices
    assert (choice.content, choice.reasoning) == ("It rains.", "Thinking it over.")
    assert choice.tool_calls == [ToolCall("call_1", "get_weather", '{"place":')]
    assert (answer.ended, answer.id, choice.finish_reason) == (False, "resp_1", None)


def test_an_item_that_is_done_counts_in_its_last_form():
    answer = streamed(*deltas(), {"type": "response.output_item.done", "output_index": 1, "item": OUTPUT[1]})
    assert answer.content == "It rains."


def test_an_incomplete_response_says_why():
    body = RESPONSE | {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert plain(body).finish_reason == "max_output_tokens"
    assert streamed({"type": "response.incomplete", "response": body}).finish_reason == "max_output_tokens"


def test_a_refusal_and_reasoning_text():
    output = [
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "No."}]},
        {"type": "message", "content": [{"type": "refusal", "refusal": "I can't."}]},
    ]
    assert plain(RESPONSE | {"output": output}).choices == [Choice(0, None, "No.", "I can't.", [], "completed")]
    answer = streamed(
        {"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "I can't."},
    )
    assert answer.refusal == "I can't."


def test_a_failed_response_is_an_error():
    failed = RESPONSE | {"status": "failed", "error": {"code": "server_error", "message": "overloaded"}, "output": []}
    assert "overloaded" in (plain(failed).error or "")
    assert "overloaded" in (streamed({"type": "response.failed", "response": failed}).error or "")
    assert "slow" in (streamed({"type": "error", "code": "rate_limit", "message": "slow"}).error or "")


def test_built_in_tools_are_calls_too():
    output = [{"type": "web_search_call", "id": "ws_1", "status": "completed"}]
    assert plain(RESPONSE | {"output": output}).tool_calls == [ToolCall("ws_1", "web_search", "")]


def test_a_response_that_says_nothing_has_no_choice():
    assert plain({"id": "resp_1", "output": []}).choices == []
    assert streamed({"type": "response.created", "response": {"id": "resp_1"}}).choices == []


def test_parts_and_events_of_other_kinds_are_passed_over():
    odd = {"type": "message", "content": [{"type": "summary_text", "text": 7}, {"type": "new", "text": "x"}, None]}
    assert plain(RESPONSE | {"output": [odd, *OUTPUT]}).choices == [CHOICE]
    body = b'data: {"sequence_number": 3}\n\n' + b"".join(
        b"data: " + json.dumps(event).encode() + b"\n\n" for event in deltas()
    )
    answer = assemble(body, "responses", "text/event-stream")
    assert (answer.content, answer.ended) == ("It rains.", False)


def test_more_items_and_parts_than_anybody_sends_are_left_out():
    def delta(index, place):
        return {"type": "response.output_text.delta", "output_index": index, "content_index": place, "delta": "a"}

    items = streamed(*(delta(index, 0) for index in range(MAX_ITEMS + 3)), delta(0, 0))
    parts = streamed(*(delta(0, place) for place in range(MAX_ITEMS + 3)), delta(0, 0))
    assert len(items.content or "") == len(parts.content or "") == MAX_ITEMS + 1
