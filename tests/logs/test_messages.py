import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.logs.messages import is_answer, read_message

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "text", "id"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def read(message, prompts=None):
    return [(item.kind, item.text, item.name, item.call_id) for item in read_message(message, prompts or {})]


def test_chat():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "reasoning_content": "r", "content": "a", "refusal": "no", "tool_calls": [call]}
    assert read(message) == [
        ("reasoning", "r", None, None), ("assistant", "a", None, None), ("refusal", "no", None, None), ("tool_call", "{}", "f", "c"),
    ]  # fmt: skip
    assert read({"role": "tool", "tool_call_id": "c", "name": "f", "content": "x"}) == [("tool_result", "x", "f", "c")]
    assert read({"role": "tool", "content": {"a": 1}}) == [("tool_result", '[part: {"a":1}]', None, None)]


def test_parts_that_are_no_text_are_named():
    image = {"type": "image_url", "image_url": {"url": {"omitted": "image/png", "bytes": 12, "sha256": "00"}}}
    parts = [{"type": "text", "text": "look"}, image, "and", {"type": "file", "file_id": "f"}]
    assert (
        read({"role": "user", "content": parts})[0][1]
        == 'look\n[image/png, 12 bytes]\nand\n[file: {"type":"file","file_id":"f"}]'
    )


def test_the_messages_api():
    blocks = [
        {"type": "thinking", "thinking": "t"},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "c", "name": "f", "input": {"x": 1}},
    ]
    assert read({"role": "assistant", "content": blocks}) == [
        ("reasoning", "t", None, None), ("assistant", "a", None, None), ("tool_call", '{"x":1}', "f", "c"),
    ]  # fmt: skip
    blocks = [
        {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "r"}]},
        {"type": "text", "text": "go on"},
    ]
    assert read({"role": "user", "content": blocks}) == [("tool_result", "r", None, "c"), ("user", "go on", None, None)]


def test_the_responses_api():
    assert read({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}) == [
        ("tool_call", "{}", "f", "c")
    ]
    assert read({"type": "function_call_output", "call_id": "c", "output": "r"}) == [("tool_result", "r", None, "c")]
    assert read({"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}]}) == [
        ("reasoning", "t", None, None)
    ]
    assert read({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"}]}) == [
        ("user", "q", None, None)
    ]


def test_a_system_prompt_by_its_hash():
    message = {"role": "system", "system_sha256": "5", "_dedup": True}
    assert read(message, {"5": "Be kind."}) == [("system", "Be kind.", None, None)]
    assert read(message) == [("system", None, None, None)]


@pytest.mark.parametrize("kind", ["assistant", "reasoning", "tool_call", "refusal"])
def test_what_the_model_said(kind):
    [item] = read_message({"role": "user", "content": "q"}, {})
    assert not is_answer(item)
    assert is_answer(type(item)(kind=kind, text="a"))


@given(JSON)
def test_whatever_a_message_is_nothing_is_raised(message):
    assert all(item.text is None or isinstance(item.text, str) for item in read_message(message, {}))
