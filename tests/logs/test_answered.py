from open_llm_proxy.logs.answered import read_answer, read_choice, read_usage
from open_llm_proxy.logs.conversation import Item, Usage


def test_an_answer_in_the_order_it_was_made():
    response = {
        "reasoning_content": "r", "content": "a", "refusal": "no", "truncated": ["reasoning_content"],
        "tool_calls": [{"id": "c", "name": "f", "arguments": "{}"}],
    }  # fmt: skip
    assert read_answer(response) == [
        Item(kind="reasoning", text="r", cut=True),
        Item(kind="assistant", text="a"),
        Item(kind="refusal", text="no"),
        Item(kind="tool_call", text="{}", name="f", call_id="c"),
    ]


def test_tool_calls_as_the_api_has_them():
    calls = [{"id": "c", "function": {"name": "f", "arguments": {"x": 1}}}]
    assert read_answer({"tool_calls": calls}) == [Item(kind="tool_call", text='{"x":1}', name="f", call_id="c")]
    assert [item.kind for item in read_choice({"reasoning_content": "r", "content": "a", "tool_calls": calls})] == [
        "reasoning", "assistant", "tool_call",
    ]  # fmt: skip


def test_usage():
    tokens = {"prompt_tokens": 3, "completion_tokens": 4, "cost": 0.5, "prompt_tokens_details": {"cached_tokens": 2}}
    assert read_usage(tokens) == Usage(prompt=3, completion=4, total=7, cached=2, cost_usd=0.5)
    assert read_usage({"cost": True}) == read_usage(None) == Usage()
