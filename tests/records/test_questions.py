"""What a request asks, from each form."""

from open_llm_proxy.records.questions import read


def test_responses_input():
    asked = read(
        {
            "instructions": "sys",
            "input": [
                {"role": "user", "content": "a"},
                {"type": "function_call_output", "call_id": "c", "output": "o"},
            ],
        }
    )
    assert (asked.system, asked.first_user, asked.tool_results) == ("sys", "a", [("c", "o")])
    assert read({"input": "hello"}).last_user == "hello"


def test_messages_tool_results_are_no_question():
    body = {
        "system": [{"type": "text", "text": "sys"}],
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t"}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "rows"}]},
        ],
    }
    asked = read(body)
    assert (asked.system, asked.last_user, asked.tool_results) == ("sys", "q", [("t", "rows")])


def test_results_before_the_last_assistant_do_not_count():
    messages = [{"role": "tool", "tool_call_id": "a", "content": "1"}, {"role": "assistant", "content": "x"}]
    assert read({"messages": messages}).tool_results is None
