"""Texts are scrubbed first and cut then; a cut never leaves half a mark."""

import pytest

from open_llm_proxy.config.snapshot import LogSettings
from open_llm_proxy.records.context import Context, Texts, context_of, cut
from open_llm_proxy.records.scrub import Scrubber, scrubber_of


def test_the_defaults_are_those_of_the_documents():
    context = Context()
    caps = (context.content_max, context.reasoning_max, context.tool_result_max, context.user_question_max)
    assert (caps, context.full) == ((0, 4000, 20000, 4000), False)
    assert Context(capture_mode="full").full
    assert Context(secrets=("a-known-key",)).scrubber is scrubber_of(("a-known-key",))


def test_the_environment_says_how_records_are_made():
    log = LogSettings(capture_mode="full", content_max=1, reasoning_max=2, tool_result_max=3, user_question_max=4)
    made = context_of(log, ("a-known-key",), "pod-1", "1.2")
    assert made == Context(
        capture_mode="full", content_max=1, reasoning_max=2, tool_result_max=3, user_question_max=4,
        secrets=("a-known-key",), host="pod-1", proxy_version="1.2",
    )  # fmt: skip
    assert context_of(LogSettings(), ()) == Context()


def test_a_text_within_its_cap_is_kept_whole():
    texts = Texts(Scrubber())
    assert [texts.keep("f", text, limit) for text, limit in (("abc", 3), ("abc", 0), ("", 1), (None, 1))] == [
        "abc",
        "abc",
        "",
        None,
    ]
    assert texts.truncated == []


def test_a_cut_is_noted_once():
    texts = Texts(Scrubber())
    assert texts.keep("f", "abcdef", 3) == "abc"
    assert texts.keep("f", "abcdef", 2) == "ab"
    assert texts.keep("g", "abcdef", 2) == "ab"
    assert texts.truncated == ["f", "g"]


def test_a_text_that_scrubbing_makes_longer_keeps_to_its_cap_and_is_not_called_cut():
    texts = Texts(Scrubber())
    assert texts.keep("f", 'token: "a"', 10) == 'token: "'
    assert texts.truncated == []


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        (2, "ab"),
        (3, "ab "),
        (4, "ab "),
        (12, "ab "),
        (13, "ab [REDACTED]"),
        (14, "ab [REDACTED] "),
        (99, "ab [REDACTED] c"),
    ],
)
def test_a_mark_is_kept_whole_or_not_at_all(limit, kept):
    assert cut("ab [REDACTED] c", limit) == kept


def test_marks_side_by_side():
    assert cut("[REDACTED][REDACTED]", 15) == "[REDACTED]"


def test_a_name_is_scrubbed_and_of_one_length_at_most():
    texts = Texts(Scrubber(["a-known-key"]))
    assert [texts.name("f", text) for text in (None, "", "stop", "a-known-key")] == [None, "", "stop", "[REDACTED]"]
    assert texts.truncated == []
    assert texts.name("f", "x" * 500) == "x" * 200
    assert texts.truncated == ["f"]
