"""Values of any shape are read without raising."""

import pytest

from open_llm_proxy.answers.answer import (
    Answer,
    Choice,
    Text,
    ToolCall,
    as_index,
    as_list,
    as_object,
    as_text,
    is_error,
)

ODD = [None, True, 0, 1.5, "", "x", [], [1], {}, {"a": 1}]


@pytest.mark.parametrize("value", ODD)
def test_each_reader_takes_its_own_kind_and_nothing_else(value):
    assert as_object(value) == (value if isinstance(value, dict) else {})
    assert as_list(value) == (value if isinstance(value, list) else [])
    assert as_text(value) == (value if isinstance(value, str) and value else None)
    assert as_index(value, 7) == (0 if value == 0 and value is not None else 7)


def test_the_fields_of_an_answer_are_those_of_its_first_choice():
    call = ToolCall("t", "f", "{}")
    answer = Answer(choices=[Choice(0, "text", "thought", "no", [call], "stop"), Choice(1, "other")])
    assert (answer.content, answer.reasoning, answer.refusal) == ("text", "thought", "no")
    assert (answer.tool_calls, answer.finish_reason) == ([call], "stop")


def test_an_answer_without_choices_has_empty_fields():
    answer = Answer()
    assert (answer.content, answer.reasoning, answer.refusal, answer.tool_calls) == (None, None, None, [])
    assert answer.finish_reason is None


def test_the_first_model_and_id_and_the_last_usage_count():
    answer = Answer()
    answer.note({"id": "a", "model": "m", "usage": {"total_tokens": 1}})
    answer.note({"id": "b", "model": "n", "usage": {"total_tokens": 2}})
    answer.note({"id": None, "model": "", "usage": None})
    assert (answer.id, answer.model, answer.usage) == ("a", "m", {"total_tokens": 2})


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"error": {"message": "no"}}, True),
        ({"error": "no"}, True),
        ({"object": "error", "message": "the model does not exist"}, True),
        ({"type": "error", "error": {"type": "overloaded_error"}}, True),
        ({"error": None, "object": "response"}, False),
        ({"choices": []}, False),
    ],
)
def test_what_reports_an_error(body, found):
    assert is_error(body) is found


def test_a_text_grows_by_strings_only():
    text = Text()
    assert text.join() is None
    for piece in ("a", None, 3, "", ["b"], "c"):
        text.add(piece)
    assert text.join() == "ac"
