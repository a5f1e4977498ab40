"""Chat completions as real servers send them; a streamed answer is the plain one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.answers.answer import Answer, Choice, ToolCall, is_error
from open_llm_proxy.answers.assemble import assemble
from open_llm_proxy.answers.chat import MAX_CHOICES, read_ordinary, read_plain


def plain(body) -> Answer:
    return assemble(json.dumps(body).encode(), "chat", "application/json")


def streamed(*chunks, done=True) -> Answer:
    body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    return assemble(body + (b"data: [DONE]\n\n" if done else b""), "chat", "text/event-stream")


def chunk(delta, finish_reason=None, index=0, **more):
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    } | more


def test_vllm_with_reasoning_and_a_tool_call():
    answer = plain(
        {
            "id": "chatcmpl-7f",
            "object": "chat.completion",
            "model": "qwen3",
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": None,
                        "refusal": None,
                        "annotations": None,
                        "audio": None,
                        "function_call": None,
                        "tool_calls": [
                            {
                                "id": "call_1",
                                "type": "function",
                                "function": {"name": "query", "arguments": '{"sql": "SELECT 1"}'},
                            }
                        ],
                        "reasoning_content": "They want one.",
                    },
                    "logprobs": None,
                    "finish_reason": "tool_calls",
                    "stop_reason": None,
                }
            ],
            "usage": {"prompt_tokens": 10, "total_tokens": 15, "completion_tokens": 5, "prompt_tokens_details": None},
            "prompt_logprobs": None,
        }
    )
    assert answer.choices == [
        Choice(0, None, "They want one.", None, [ToolCall("call_1", "query", '{"sql": "SELECT 1"}')], "tool_calls")
    ]
    assert answer.usage == {
        "prompt_tokens": 10,
        "total_tokens": 15,
        "completion_tokens": 5,
        "prompt_tokens_details": None,
    }
    assert (answer.id, answer.model, answer.ended, answer.error) == ("chatcmpl-7f", "qwen3", True, None)


def test_openrouter_streams_with_comments_and_reasoning_under_its_own_name():
    body = (
        b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n"
        b'data: {"id":"gen-1","provider":"Anthropic","model":"anthropic/claude","choices":[{"index":0,"delta":{"role":"assistant",'
        b'"content":"","reasoning":"Hm","reasoning_details":[{"type":"reasoning.text","text":"Hm"}]},"finish_reason":null}]}\n\n'
        b'data: {"id":"gen-1","model":"anthropic/claude","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},'
        b'"finish_reason":"stop","native_finish_reason":"end_turn"}]}\n\n'
        b'data: {"id":"gen-1","model":"anthropic/claude","choices":[{"index":0,"delta":{"role":"assistant","content":""},'
        b'"finish_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"cost":0.00012}}\n\n'
        b"data: [DONE]\n\n"
    )
    answer = assemble(body, "chat", "text/event-stream")
    assert answer.choices == [Choice(0, "Hi", "Hm", None, [], "stop")]
    assert answer.usage == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": 0.00012}


def test_llama_cpp_streams_timings_and_usage_in_a_chunk_without_choices():
    answer = streamed(
        chunk({"role": "assistant", "content": None}),
        chunk({"content": "a"}),
        chunk({}, "length"),
        chunk({}, choices=[], usage={"total_tokens": 4}, timings={"predicted_n": 1}),
    )
    assert answer.choices == [Choice(0, "a", None, None, [], "length")]
    assert answer.usage == {"total_tokens": 4}


def test_reasoning_alone_in_a_delta():
    answer = streamed(chunk({"reasoning_content": "a"}), chunk({"reasoning": "b"}), chunk({}, "stop"))
    assert answer.reasoning == "ab"


def test_the_same_reasoning_under_both_names_counts_once():
    assert streamed(chunk({"reasoning_content": "a", "reasoning": "a"})).reasoning == "a"
    assert plain({"choices": [{"message": {"reasoning_content": "a", "reasoning": "a"}}]}).reasoning == "a"


@pytest.mark.parametrize(
    "place",
    [
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": {"total_tokens": 4}}]},
        {"choices": [], "x_groq": {"id": "req", "usage": {"total_tokens": 4}}},
        {"choices": None, "usage": {"total_tokens": 4}},
    ],
)
def test_usage_in_the_places_where_servers_put_it(place):
    assert streamed(chunk({"content": "a"}), place).usage == {"total_tokens": 4}


def test_the_last_of_many_usages_counts():
    answer = streamed(chunk({"content": "a"}, usage={"total_tokens": 1}), chunk({}, "stop", usage={"total_tokens": 2}))
    assert answer.usage == {"total_tokens": 2}


def test_several_choices_come_mixed():
    answer = streamed(
        chunk({"content": "b"}, index=1),
        chunk({"content": "a"}),
        chunk({}, "stop", index=1),
        chunk({"content": "a"}, "length"),
    )
    assert answer.choices == [Choice(0, "aa", None, None, [], "length"), Choice(1, "b", None, None, [], "stop")]


def test_mistral_sends_parts_plain_and_streamed():
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
    parts = [thinking, {"type": "text", "text": "Hi"}]
    for answer in (plain({"choices": [{"message": {"content": parts}}]}), streamed(chunk({"content": parts}))):
        assert (answer.content, answer.reasoning) == ("Hi", "Hm")


def test_audio_gives_its_transcript():
    message = {"content": None, "audio": {"id": "a", "data": "UklGRg==", "transcript": "Hello"}}
    assert plain({"choices": [{"message": message}]}).content == "Hello"
    assert streamed(chunk({"audio": {"transcript": "Hel"}}), chunk({"audio": {"transcript": "lo"}})).content == "Hello"


def test_text_completions_plain_and_streamed():
    assert assemble(b'{"choices":[{"text":"abc","index":0,"finish_reason":"stop"}]}', "completions").content == "abc"
    body = b'data: {"choices":[{"text":"a","index":0}]}\n\ndata: {"choices":[{"text":"b","index":0,"finish_reason":"stop"}]}\n\n'
    assert assemble(body, "completions", "text/event-stream").choices == [Choice(0, "ab", None, None, [], "stop")]


def test_a_whole_message_as_one_event():
    answer = streamed(
        {"choices": [{"index": 0, "message": {"content": "Hi", "reasoning": "Hm"}, "finish_reason": "stop"}]}
    )
    assert answer.choices == [Choice(0, "Hi", "Hm", None, [], "stop")]


def test_a_refusal():
    assert streamed(chunk({"refusal": "I "}), chunk({"refusal": "can't"})).refusal == "I can't"
    assert plain({"choices": [{"message": {"content": None, "refusal": "I can't"}}]}).refusal == "I can't"


def test_content_as_a_list_of_strings_and_parts():
    parts = ["It ", {"type": "text", "text": "rains"}, 7, {"type": "thinking", "thinking": "Hm"}, "."]
    for answer in (plain({"choices": [{"message": {"content": parts}}]}), streamed(chunk({"content": parts}))):
        assert (answer.content, answer.reasoning) == ("It rains.", "Hm")


def test_more_choices_than_anybody_asks_for_are_left_out():
    answer = streamed(
        *(chunk({"content": "a"}, index=index) for index in range(MAX_CHOICES + 5)), chunk({"content": "b"})
    )
    assert [choice.index for choice in answer.choices] == list(range(MAX_CHOICES))
    assert answer.content == "ab"


TEXT = st.text(max_size=12)


@given(TEXT, TEXT, TEXT, st.lists(st.tuples(st.text(min_size=1, max_size=5), TEXT), max_size=3), st.integers(1, 5))
def test_a_streamed_answer_is_the_plain_one(content, reasoning, refusal, calls, step):
    """Every text in pieces of ``step`` characters, every call in its own deltas."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    whole = [
        {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": json.dumps({"a": text})}}
        for place, (name, text) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": content, "reasoning_content": reasoning, "refusal": refusal}
    expected = plain(
        {
            "id": "chatcmpl-1",
            "model": "m",
            "choices": [{"index": 0, "message": message | {"tool_calls": whole}, "finish_reason": "stop"}],
            "usage": usage,
        }
    )
    chunks = [chunk({"role": "assistant", "content": ""})]
    for field, text in (("reasoning_content", reasoning), ("content", content), ("refusal", refusal)):
        chunks += [chunk({field: text[start : start + step]}) for start in range(0, len(text), step)]
    for index, call in enumerate(whole):
        arguments = call["function"]["arguments"]
        begun = call | {"index": index, "function": {"name": call["function"]["name"], "arguments": ""}}
        chunks.append(chunk({"tool_calls": [begun]}))
        for start in range(0, len(arguments), step):
            piece = {"index": index, "function": {"arguments": arguments[start : start + step]}}
            chunks.append(chunk({"tool_calls": [piece]}))
    answer = streamed(*chunks, chunk({}, "stop"), chunk({}, choices=[], usage=usage))
    assert answer.streamed
    answer.streamed = False
    assert answer == expected


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"id": None, "model": "", "created": 5, "system_fingerprint": None},
        {"choices": []},
        {"choices": [{"message": {"content": ""}, "finish_reason": ""}, {"index": 0, "message": {"reasoning": "r"}}]},
        {"choices": [{"index": 1, "message": {"content": "b"}}, {"index": 0, "message": {"refusal": "no"}}]},
        {"choices": [{"message": {"content": None, "tool_calls": [{"id": "t", "function": {"name": "f"}}, 5]}}]},
        {"choices": [{"message": {"content": "c", "function_call": {"name": "f", "arguments": "{}"}}}]},
        {"usage": {}},
    ],
)
def test_an_ordinary_answer_is_read_as_any_other(change):
    body = {"id": "i", "model": "m", "choices": [{"message": {"content": "c"}}], "usage": {"total_tokens": 5}, **change}
    assert read_ordinary(json.dumps(body).encode()) == read_plain(body)


@pytest.mark.parametrize(
    "change",
    [
        {"error": {"message": "x"}},
        {"object": "error"},
        {"type": "error"},
        {"choices": None},
        {"choices": [None]},
        {"choices": [{"text": "t", "message": {}}]},
        {"choices": [{"message": {"content": [{"text": "t"}]}}]},
        {"choices": [{"message": {"content": "c", "audio": {"transcript": "t"}}}]},
        {"choices": [{"message": {"content": "\ud83d"}}]},
        {"choices": [{"index": True, "message": {"content": "c"}}]},
        {"choices": [{"message": {"content": "c"}, "usage": {"total_tokens": 5}}], "usage": None},
        {"model": 5},
    ],
)
def test_an_odd_answer_is_left_to_be_read_field_by_field(change):
    body = {"id": "i", "model": "m", "choices": [{"message": {"content": "c"}}], "usage": {"total_tokens": 5}, **change}
    assert read_ordinary(json.dumps(body).encode()) is None


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "function", "text"]), inner),
    max_leaves=3,
)
_MESSAGES = st.dictionaries(
    st.sampled_from(["content", "reasoning", "reasoning_content", "refusal", "tool_calls", "function_call", "audio"]),
    _VALUES | st.text(max_size=3),
)
_CHOICES = st.fixed_dictionaries(
    {"message": _MESSAGES}, optional={"index": _VALUES, "finish_reason": _VALUES, "text": _VALUES, "usage": _VALUES}
)
_BODIES = st.fixed_dictionaries(
    {"choices": st.lists(_CHOICES, max_size=2), "usage": st.just({"total_tokens": 1}) | _VALUES},
    optional=dict.fromkeys(("model", "id", "object", "type", "error", "x_groq"), _VALUES),
)


@given(_BODIES)
def test_whatever_is_read_at_once_is_what_is_read_field_by_field(body):
    ordinary = read_ordinary(json.dumps(body).encode())
    assert ordinary is None or (ordinary == read_plain(body) and not is_error(body))
