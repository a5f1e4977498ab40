"""Who said what, in the shapes of chat, responses and messages requests."""

import json

import pytest

from open_llm_proxy.records.conversation import Conversation, ToolResult, read_conversation, text_of
from open_llm_proxy.records.fields import read_fields


def read(body, api="chat") -> Conversation:
    return read_conversation(read_fields(json.dumps(body).encode()) or {}, api)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        (
            [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "b"}],
            "a\nb",
        ),
        ([{"type": "input_text", "text": "a"}, "b"], "a\nb"),
        ({"type": "text", "text": "a"}, "a"),
        ([{"type": "input_audio", "input_audio": {}}], None),
        ([], None),
        (None, None),
        (7, None),
    ],
)
def test_the_text_of_a_content(content, text):
    assert text_of(content) == text


def test_the_first_and_the_last_word_of_the_user():
    said = read(
        {
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": "first"},
                {"role": "assistant", "content": "answer"},
                {"role": "user", "content": [{"type": "text", "text": "last"}]},
            ]
        }
    )
    assert said == Conversation(4, "be brief", "first", "last", None)


def test_tool_results_of_this_turn_are_those_after_the_last_assistant_message():
    said = read(
        {
            "messages": [
                {"role": "user", "content": "q"},
                {"role": "assistant", "tool_calls": [{"id": "old"}]},
                {"role": "tool", "tool_call_id": "old", "content": "old rows"},
                {"role": "assistant", "tool_calls": [{"id": "a"}, {"id": "b"}]},
                {"role": "tool", "tool_call_id": "a", "content": "rows a"},
                {
                    "role": "tool",
                    "tool_call_id": "b",
                    "content": [{"type": "text", "text": "rows"}, {"type": "text", "text": "b"}],
                },
            ]
        }
    )
    assert said.tool_results == [ToolResult("a", "rows a"), ToolResult("b", "rows\nb")]
    assert (said.user_question, said.user_message) == ("q", "q")


def test_a_developer_prompt_is_a_system_prompt():
    assert read({"messages": [{"role": "developer", "content": "d"}, {"role": "system", "content": "s"}]}).system == "d"


def test_a_list_of_parts_is_joined_to_one_prompt():
    parts = [
        {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "short"},
    ]
    assert read({"messages": [{"role": "system", "content": parts}]}).system == "long\nshort"


@pytest.mark.parametrize(
    "messages",
    [None, 7, {}, [], [None, 3, "x"], [{"role": 5}, {"role": ["user"]}, {"content": "x"}], [{"role": "tool"}]],
)
def test_odd_messages_are_counted_and_read_as_far_as_they_go(messages):
    said = read({"messages": messages})
    assert said.message_count == (len(messages) if isinstance(messages, list) else 0)
    assert said.user_question is None


def test_a_lone_surrogate_in_one_message_spoils_no_other():
    fields = read_fields(
        b'{"messages": [{"role": "user", "content": "cut \\ud83d"}, {"role": "user", "content": "ok"}]}'
    )
    said = read_conversation(fields or {}, "chat")
    assert (said.user_question, said.user_message) == ("cut \ud83d", "ok")


def test_responses_input_as_a_string():
    assert read({"input": "hello", "instructions": "be brief"}, "responses") == Conversation(
        1, "be brief", "hello", "hello"
    )


def test_responses_items():
    said = read(
        {
            "input": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": [{"type": "input_text", "text": "first"}]},
                {"type": "reasoning", "summary": []},
                {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "a", "output": "rows"},
                {"type": "custom_tool_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "more"}]},
                {"type": "message", "role": "user", "content": "last"},
            ]
        },
        "responses",
    )
    assert said == Conversation(7, "be brief", "first", "last", [ToolResult("a", "rows"), ToolResult("b", "more")])


def test_messages_with_tool_results_in_blocks():
    said = read(
        {
            "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": "first"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "a", "content": "rows"},
                        {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "more"}]},
                        {"type": "tool_result", "tool_use_id": "c", "is_error": True},
                    ],
                },
            ],
        },
        "messages",
    )
    assert said == Conversation(
        3, "be brief", "first", "first", [ToolResult("a", "rows"), ToolResult("b", "more"), ToolResult("c", None)]
    )


def test_words_beside_a_tool_result_are_the_users():
    blocks = [{"type": "tool_result", "tool_use_id": "a", "content": "rows"}, {"type": "text", "text": "and now?"}]
    said = read({"messages": [{"role": "user", "content": blocks}]}, "messages")
    assert (said.user_message, said.tool_results) == ("and now?", [ToolResult("a", "rows")])


def test_a_prompt_of_text_completions_is_the_question():
    assert read({"prompt": "once"}, "completions") == Conversation(None, None, "once", "once")
    assert read({"prompt": [1, 2, 3]}, "completions") == Conversation()


def test_other_apis_have_no_conversation_unless_they_send_messages():
    assert read({"input": ["a"]}, "other") == Conversation()
    assert read({"messages": [{"role": "user", "content": "q"}]}, "other").user_question == "q"


def test_responses_that_go_on_from_an_earlier_one_may_have_instructions_alone():
    assert read({"previous_response_id": "r", "instructions": "be brief"}, "responses") == Conversation(
        system="be brief"
    )
    assert read({"previous_response_id": "r"}, "responses") == Conversation()


def test_a_user_who_only_hands_results_back_has_said_nothing():
    blocks = [{"type": "tool_result", "tool_use_id": "a", "content": {"rows": 3}}]
    said = read({"messages": [{"role": "user", "content": blocks}]}, "messages")
    assert said == Conversation(1, None, None, None, [ToolResult("a", '{"rows":3}')])


def test_messages_without_any():
    assert read({"system": "be brief"}, "messages") == Conversation(system="be brief")
