import random

import pytest

from open_llm_proxy.logs.weave import weave


def said(conversation):
    """The conversation as (kind, text) in order."""
    return [(item.kind, item.text) for turn in conversation.turns for item in (*turn.sent, *turn.answer)]


def test_nothing():
    assert weave([]).threads == []
    assert weave([]).question is None


def test_a_tool_loop_with_parallel_calls_and_a_follow_up(tool_loop):
    found = weave(tool_loop.records)
    assert said(found) == [
        ("user", "How many parks?"),
        ("reasoning", "I have to count."),
        ("tool_call", '{"sql": "SELECT count(*) FROM parks"}'),
        ("tool_call", '{"table": "parks"}'),
        ("tool_result", "42"),
        ("tool_result", "name VARCHAR"),
        ("assistant", "There are 42."),
        ("user", "And lakes?"),
        ("assistant", "There are 7."),
    ]
    assert [item.name for item in found.turns[1].sent] == ["query", "describe"]
    assert [turn.earlier_messages for turn in found.turns] == [0, 0, 0]
    assert (found.session_key, found.app, found.models) == ("s-1", "geo", ["kimi"])
    assert (found.usage.prompt, found.usage.total, found.usage.cost_usd) == (30, 45, None)
    assert found.question == "How many parks?"


def test_order_and_doubles_of_records_do_not_matter(tool_loop):
    records = tool_loop.records * 2
    random.Random(4).shuffle(records)
    assert weave(records) == weave(tool_loop.records)


def test_the_same_words_again_are_a_follow_up(scribe):
    scribe.ask("continue")
    scribe.answer("one")
    scribe.ask("continue", count=3)
    scribe.answer("two")
    assert [text for _, text in said(weave(scribe.records))] == ["continue", "one", "continue", "two"]


def test_results_and_new_words_in_one_request(scribe, tools):
    scribe.ask("q")
    scribe.answer(calls=[tools.call("c1")])
    scribe.ask("q", "stop that", count=4, results=[tools.result("c1", "r")])
    scribe.answer("ok")
    assert said(weave(scribe.records))[2:] == [("tool_result", "r"), ("user", "stop that"), ("assistant", "ok")]


def test_a_failed_call_that_was_sent_again(scribe):
    scribe.ask("q")
    scribe.answer(error="Provider returned 503: busy", status=503)
    scribe.ask("q")
    scribe.answer("a")
    found = weave(scribe.records)
    assert said(found) == [("user", "q"), ("assistant", "a")]
    assert [turn.retry for turn in found.turns] == [False, True]
    assert [turn.outcome for turn in found.turns] == ["error", "ok"]


def test_an_unanswered_call(scribe):
    scribe.ask("q")
    turn = weave(scribe.records).turns[0]
    assert (turn.outcome, turn.answered_at, turn.answer) == ("unanswered", None, [])


def test_an_answer_whose_request_is_not_there(scribe):
    scribe.answer("a", of="f" * 32)
    found = weave(scribe.records)
    assert said(found) == [("assistant", "a")]
    assert found.threads[0].started_at == found.turns[0].answered_at


def test_earlier_messages_that_no_record_holds_are_counted(scribe, tools):
    scribe.ask("first", "third", count=6, system_sha256="5" * 64)
    scribe.answer("a")
    found = weave(scribe.records)
    assert found.turns[0].earlier_messages == 3
    assert said(found)[:2] == [("user", "first"), ("user", "third")]


def test_content_that_is_not_logged(scribe, tools):
    hidden = {"content_logged": False, "user_question": None, "user_message_this_turn": None}
    scribe.ask(None, count=1, **hidden)
    scribe.answer(calls=[{"id": "c1", "name": "query", "arguments": None}], content_logged=False)
    scribe.ask(None, count=3, **hidden)
    scribe.answer(None, content_logged=False, has_content=True)
    scribe.ask(None, count=5, **hidden)
    found = weave(scribe.records)
    assert said(found) == [
        ("user", None), ("tool_call", None), ("tool_result", None), ("assistant", None), ("user", None),
    ]  # fmt: skip
    assert found.turns[1].sent[0].name == "query"
    assert not found.turns[0].content_logged


def test_two_conversations_of_one_session(scribe):
    scribe.ask("a", count=2)
    scribe.answer("A")
    scribe.ask("b", count=2)
    scribe.answer("B")
    scribe.ask("a", "a2", count=4)
    scribe.answer("A2")
    found = weave(scribe.records)
    assert [[item.text for turn in thread.turns for item in turn.sent] for thread in found.threads] == [
        ["a", "a2"],
        ["b"],
    ]


def test_what_was_cut_says_so(scribe, tools):
    scribe.ask("q", truncated=["user_question", "user_message_this_turn"])
    scribe.answer("a", truncated=["content"], content_preview="a")
    found = weave(scribe.records)
    assert all(item.cut for turn in found.turns for item in (*turn.sent, *turn.answer))


def test_full_mode_shows_each_message_once(scribe, tools):
    system = {"role": "system", "system_sha256": "5" * 64, "content_len": 3, "_dedup": True}
    asked = {"role": "user", "content": "q"}
    called = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": "{}"}}],
    }
    gave = {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "r"}]}
    answered = {"role": "assistant", "content": "a"}
    scribe.records.append({"type": "system_prompt", "timestamp": "x", "system_sha256": "5" * 64, "content": "Be kind."})
    scribe.ask("q", count=2, messages=[system, asked])
    scribe.answer(calls=[tools.call("c1", "f")])
    scribe.ask("q", count=4, messages=[system, asked, called, gave], results=[tools.result("c1", "r")])
    scribe.answer("a")
    scribe.ask("q", "q", count=6, messages=[system, asked, called, gave, answered, asked])
    scribe.answer("b")
    assert said(weave(scribe.records)) == [
        ("system", "Be kind."), ("user", "q"), ("tool_call", "{}"), ("tool_result", "r"), ("assistant", "a"),
        ("user", "q"), ("assistant", "b"),
    ]  # fmt: skip


def test_full_mode_of_a_conversation_that_began_elsewhere(scribe):
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "r"},
    ]
    scribe.ask("q", "r", count=3, messages=messages)
    assert said(weave(scribe.records)) == [("user", "q"), ("assistant", "a"), ("user", "r")]


def test_the_mode_may_change_within_a_session(scribe, tools):
    scribe.ask("q")
    scribe.answer("a")
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "r"},
    ]
    scribe.ask("q", "r", count=3, messages=messages)
    scribe.answer("b")
    assert [text for _, text in said(weave(scribe.records))] == ["q", "a", "r", "b"]


def test_several_choices(scribe):
    scribe.ask("q")
    choices = [{"index": index, "content": text, "tool_calls": None} for index, text in enumerate("ab")]
    scribe.answer("a", choices=choices)
    assert [[item.text for item in choice] for choice in weave(scribe.records).turns[0].choices] == [["b"]]


def test_older_records_have_a_preview_and_no_message_of_the_turn(scribe):
    scribe.ask("q", user_message_this_turn=None, request_id="abcd1234")
    scribe.answer(of="abcd1234", content_preview="The be", has_content=True)
    found = weave(scribe.records)
    assert said(found) == [("user", "q"), ("assistant", "The be")]
    assert found.turns[0].answer[0].cut


@pytest.mark.parametrize("odd", [{"messages": [None, 3, "x", {}]}, {"tool_results_this_turn": ["x"]}, {"truncated": 3}])
def test_odd_records_raise_nothing(scribe, odd):
    scribe.ask("q", **odd)
    scribe.answer("a", tokens="many", tool_calls=[None, {"function": 3}], choices={"a": 1})
    assert len(weave(scribe.records).turns) == 1
