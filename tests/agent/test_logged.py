import json
from datetime import UTC, datetime

import pytest
from tests.logs.conftest import Scribe, result, tool_call
from tests.logs.test_told import TOOLS, prompts

from open_llm_proxy.agent.logged import find_original, read_original
from open_llm_proxy.agent.original import Asked
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.weave import weave
from open_llm_proxy.logs.window import Window


@pytest.fixture
def scribe():
    return Scribe()


def loop(scribe, **more):
    """Two calls at once, their results, an answer, a follow-up with one more call."""
    scribe.ask("How many parks?", count=2, **more)
    scribe.answer(calls=[tool_call("c1", sql="SELECT 1"), tool_call("c2", "describe")], upstream_model="up-kimi")
    scribe.ask("How many parks?", count=5, results=[result("c1", "42"), result("c2", "name VARCHAR")], **more)
    scribe.answer("There are 42.", tokens={"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.5})
    scribe.ask("How many parks?", "And lakes?", count=7, **more)
    scribe.answer(calls=[tool_call("c1", sql="SELECT 2")])
    scribe.ask("How many parks?", "And lakes?", count=9, results=[result("c1", "7")], **more)
    scribe.answer("There are 7.")
    return scribe.records


def read(records):
    return read_original("s-1", weave(records), records)


def test_a_session_in_summary_mode(scribe):
    original = read(loop(scribe, system_sha256="5" * 64, tools_sha256="7" * 64, tools_count=1))
    assert original.questions == [Asked("How many parks?"), Asked("And lakes?")]
    assert [(turn.number, turn.question) for turn in original.turns] == [(1, 1), (2, 1), (3, 2), (4, 2)]
    assert [(call.name, call.arguments, call.result.content) for call in original.tool_calls] == [
        ("query", '{"sql": "SELECT 1"}', "42"),
        ("describe", "{}", "name VARCHAR"),
        ("query", '{"sql": "SELECT 2"}', "7"),
    ]
    assert [turn.content for turn in original.turns] == [None, "There are 42.", None, "There are 7."]
    assert original.turns[0].upstream_model == "up-kimi"
    assert original.turns[1].usage == {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": 0.5}
    assert (original.system_prompt, original.system_sha256) == (None, "5" * 64)
    assert (original.tools, original.tools_sha256, original.is_summary) == (None, "7" * 64, True)
    assert (original.session_id, original.origin, original.model) == ("s-1", "https://geo.example.org/maps", "kimi")
    assert original.notes == []


def test_a_session_in_full_mode(scribe):
    system = {"role": "system", "system_sha256": "5" * 64, "_dedup": True}
    messages = [system, {"role": "user", "content": "How many parks?"}]
    told = {"system_sha256": "5" * 64, "tools_sha256": "7" * 64, "tools_count": 1}
    scribe.ask(
        "How many parks?", count=2, messages=messages, params='{"temperature": 0.5, "seed": 3, "top_p": 1}', **told
    )
    scribe.answer("42")
    original = read([*scribe.records, *prompts()])
    assert original.system_prompt == "You are a geographer"
    assert original.tools == json.loads(TOOLS)
    assert (original.is_summary, original.temperature, original.seed) == (False, 0.5, 3)
    assert original.notes == ["it was asked with top_p, too, which the replay does not send"]


def test_what_came_before_the_first_record_in_full_mode(scribe):
    call = {"id": "c9", "type": "function", "function": {"name": "query", "arguments": '{"sql": "SELECT 9"}'}}
    scribe.ask(
        "First?",
        "Second?",
        count=6,
        messages=[
            {"role": "user", "content": "First?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c9", "content": "nine"},
            {"role": "assistant", "content": "It is nine"},
            {"role": "user", "content": "Second?"},
        ],
    )
    scribe.answer("It is ten")
    original = read(scribe.records)
    assert [asked.text for asked in original.questions] == ["First?", "Second?"]
    assert [(turn.question, turn.content) for turn in original.turns] == [
        (1, None),
        (1, "It is nine"),
        (2, "It is ten"),
    ]
    assert original.tool_calls[0].result.content == "nine"


def test_parameters_of_records_of_any_age(scribe):
    scribe.ask("Hi?", params='{"max_tokens": 5}', enable_thinking=True)
    scribe.answer("Ho")
    original = read(scribe.records)
    assert (original.temperature, original.enable_thinking) == (None, True)
    old = Scribe()
    old.ask("Hi?")
    old.answer("Ho")
    assert read(old.records).temperature == 0
    for broken in ("{", 7):
        old.records[0]["params"] = broken
        assert read(old.records).temperature == 0


@pytest.mark.parametrize("tools", ["{", "7", '[{"name": "query"}]'])
def test_a_list_of_tools_that_cannot_be_offered_is_not_known(scribe, tools):
    scribe.ask("Hi?", tools_sha256="9" * 64, tools_count=1)
    scribe.answer("Ho")
    record = {"timestamp": "2026-04-07T12:00:00.000000Z", "type": "tools", "tools_sha256": "9" * 64, "tools": tools}
    found = read([*scribe.records, record]).tools
    assert found is None or tools == "7"


def test_several_conversations_are_asked_one_after_the_other(scribe):
    for question, answer in (("One?", "1"), ("Two?", "2")):
        scribe.ask(question, count=1)
        scribe.answer(answer)
    original = read(scribe.records)
    assert original.questions == [Asked("One?", 1), Asked("Two?", 2)]
    assert original.notes == ["1 more conversations are in the session; each is asked from its beginning"]


def test_a_request_that_was_sent_again_is_asked_once(scribe):
    scribe.ask("Hi?")
    scribe.answer(error="Provider returned 502: ", status=502)
    scribe.ask("Hi?")
    scribe.answer("Ho")
    original = read(scribe.records)
    assert original.questions == [Asked("Hi?")]
    assert [turn.error for turn in original.turns] == ["Provider returned 502: ", None]


def test_what_is_cut_or_hidden_is_said(scribe):
    scribe.ask("Hi?", truncated=["user_question", "user_message_this_turn"], count=9)
    scribe.answer("Ho")
    original = read(scribe.records)
    assert original.notes == [
        "1 questions or results are cut in their records",
        "8 messages before the first one that was read are in no record",
    ]


def test_a_session_without_content_cannot_be_asked_again(scribe):
    scribe.ask(None, None, content_logged=False)
    scribe.answer(None, content_logged=False)
    with pytest.raises(UserError, match="cannot be asked again: it was logged without content"):
        read(scribe.records)


def test_prompts_that_differ_within_a_session_are_said(scribe):
    scribe.ask("Hi?", system_sha256="5" * 64)
    scribe.answer("Ho")
    scribe.ask("Hi?", "And?", count=3, system_sha256="6" * 64)
    scribe.answer("Ho")
    original = read([*scribe.records, *prompts()])
    assert original.system_prompt == "You are a geographer"
    assert original.notes == ["it had 2 system prompts; the first one is used"]


def test_it_is_found_in_a_folder(scribe, tmp_path):
    records = [*loop(scribe, system_sha256="5" * 64), *prompts()]
    (tmp_path / "2026-04-07").mkdir()
    lines = "".join(json.dumps(one) + "\n" for one in records)
    (tmp_path / "2026-04-07" / "12-00-00-host-1-00ff.1.1.jsonl").write_text(lines)
    window = Window(datetime(2026, 4, 7, tzinfo=UTC), None)
    original = find_original("s-1", window, str(tmp_path), None, {}, pytest.fail)
    assert len(original.questions) == 2
    assert original.system_prompt == "You are a geographer"
    with pytest.raises(UserError, match="There is no session or call 'nope'"):
        find_original("nope", window, str(tmp_path), None, {}, pytest.fail)
