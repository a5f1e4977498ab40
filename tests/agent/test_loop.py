import asyncio
import json
from dataclasses import replace

import pytest
from tests.agent.conftest import FakeModel, FakeTools, call, says, tool

from open_llm_proxy.agent import exits
from open_llm_proxy.agent.events import Asked, Delta, Ended, Retried, ToolEnded, TurnEnded, TurnStarted
from open_llm_proxy.agent.exits import McpError, ModelError
from open_llm_proxy.agent.loop import NoTools, Session, ToolAnswer, ending, run
from open_llm_proxy.agent.transcript import Transcript


def ask(session, question="How many?"):
    return asyncio.run(session.ask(question))


def test_an_answer_without_tools(make_session):
    model = FakeModel(says("42"))
    session = make_session(model)
    assert ask(session) == exits.ANSWERED
    assert session.transcript.answer == "42"
    assert model.bodies == [
        {"model": "m", "messages": [{"role": "user", "content": "How many?"}], "user": "the-session", "temperature": 0}
    ]


def test_tools_are_offered_with_tool_choice_auto(make_session):
    model = FakeModel(says("42"))
    ask(make_session(model, FakeTools(look=lambda _: "")))
    assert model.bodies[0]["tools"] == [tool("look")]
    assert model.bodies[0]["tool_choice"] == "auto"


@pytest.mark.parametrize(
    ("changed", "sent"),
    [
        ({"temperature": None}, {}),
        ({"temperature": 0.5, "seed": 7}, {"temperature": 0.5, "seed": 7}),
        ({"enable_thinking": True}, {"temperature": 0, "enable_thinking": True}),
        ({"enable_thinking": False}, {"temperature": 0, "enable_thinking": False}),
    ],
)
def test_what_is_sent_of_the_settings(make_session, settings, changed, sent):
    model = FakeModel(says("42"))
    ask(make_session(model, settings=replace(settings, **changed)))
    assert {key: model.bodies[0][key] for key in model.bodies[0] if key not in {"model", "messages", "user"}} == sent


def test_a_tool_is_run_and_its_result_goes_back_under_the_calls_id(make_session):
    model = FakeModel(says(None, call("look", '{"place":"Rome"}', "call_1")), says("A city"))
    tools = FakeTools(look=lambda arguments: f"found {arguments['place']}")
    session = make_session(model, tools)
    assert ask(session) == exits.ANSWERED
    assert tools.called == [("look", {"place": "Rome"})]
    assert model.bodies[1]["messages"] == [
        {"role": "user", "content": "How many?"},
        {"role": "assistant", "content": None, "tool_calls": [call("look", '{"place":"Rome"}', "call_1")]},
        {"role": "tool", "tool_call_id": "call_1", "content": "found Rome"},
    ]
    assert session.transcript.messages[-1] == {"role": "assistant", "content": "A city"}


def test_parallel_calls_run_side_by_side_and_are_answered_in_order(make_session):
    second_ran = asyncio.Event()

    async def first(_):
        await second_ran.wait()  # would never come if the calls ran one after the other
        return "one"

    async def second(_):
        second_ran.set()
        return "two"

    model = FakeModel(says(None, call("first", "{}", "a"), call("second", "{}", "b")), says("done"))
    ended = []
    session = make_session(
        model,
        FakeTools(first=first, second=second),
        on_event=lambda event: ended.append(event.call.id) if isinstance(event, ToolEnded) else None,
    )
    ask(session)
    results = [message for message in model.bodies[1]["messages"] if message["role"] == "tool"]
    assert [(one["tool_call_id"], one["content"]) for one in results] == [("a", "one"), ("b", "two")]
    assert ended == ["b", "a"]


def test_a_tools_error_goes_back_to_the_model(make_session):
    model = FakeModel(says(None, call("look")), says("sorry"))
    session = make_session(model, FakeTools(look=lambda _: ToolAnswer("no such table", is_error=True)))
    assert ask(session).code == 0
    assert model.bodies[1]["messages"][-1]["content"] == "no such table"
    assert session.transcript.turns[0].tool_calls[0].result.is_error


def test_an_unknown_tool_goes_back_to_the_model(make_session):
    model = FakeModel(says(None, call("nope")), says("sorry"))
    tools = FakeTools(look=lambda _: "")
    session = make_session(model, tools)
    assert ask(session).code == 0
    assert model.bodies[1]["messages"][-1]["content"] == "there is no tool 'nope'; there are: look"
    assert tools.called == []
    assert session.transcript.turns[0].tool_calls[0].result.source == "runner"


def test_broken_arguments_go_back_to_the_model_and_are_mended_in_the_history(make_session):
    model = FakeModel(says(None, call("look", '{"place": "Ro', "a")), says("sorry"))
    tools = FakeTools(look=lambda _: "")
    session = make_session(model, tools)
    assert ask(session).code == 0
    *_, assistant, result = model.bodies[1]["messages"]
    assert assistant["tool_calls"] == [call("look", "{}", "a")]
    assert "not valid JSON" in result["content"]
    assert '{"place": "Ro' in result["content"]
    assert tools.called == []
    kept = session.transcript.turns[0].tool_calls[0]
    assert (kept.arguments, kept.result.is_error) == ('{"place": "Ro', True)


def test_a_tool_that_hangs_goes_back_to_the_model(make_session, settings):
    model = FakeModel(says(None, call("hang"), call("look")), says("sorry"))
    tools = FakeTools(hang=lambda _: asyncio.sleep(3600), look=lambda _: "seen")
    session = make_session(model, tools, settings=replace(settings, tool_timeout_s=0.05))
    assert ask(session).code == 0
    hung, seen = model.bodies[1]["messages"][-2:]
    assert hung["content"] == "the tool gave no result within 0.05 s"
    assert seen["content"] == "seen"


def test_a_tool_source_that_is_gone_ends_the_session_and_stops_the_others(make_session):
    cancelled = []

    async def hang(_):
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def gone(_):
        await asyncio.sleep(0)
        raise McpError("gone")

    session = make_session(FakeModel(says(None, call("hang"), call("gone"))), FakeTools(hang=hang, gone=gone))
    with pytest.raises(McpError):
        ask(session)
    assert cancelled == [True]
    assert session.transcript.messages == [{"role": "user", "content": "How many?"}]


def test_reasoning_is_kept_but_not_sent_again(make_session):
    model = FakeModel(says(None, call("look"), reasoning_content="hm", reasoning_details=[1]), says("42"))
    session = make_session(model, FakeTools(look=lambda _: ""))
    ask(session)
    assert session.transcript.turns[0].reasoning_content == "hm"
    assert set(model.bodies[1]["messages"][1]) == {"role", "content", "tool_calls"}


def test_a_tools_result_is_cut_where_the_settings_say(make_session, settings):
    model = FakeModel(says(None, call("look")), says("42"))
    session = make_session(model, FakeTools(look=lambda _: "x" * 100), settings=replace(settings, tool_result_max=10))
    ask(session)
    assert model.bodies[1]["messages"][-1]["content"] == "x" * 10 + "\n[cut: the first 10 of 100 characters]"
    assert session.transcript.turns[0].tool_calls[0].result.characters == 100


def test_half_an_emoji_from_a_tool_or_a_user_can_be_sent(make_session):
    model = FakeModel(says(None, call("look")), says("42"))
    ask(make_session(model, FakeTools(look=lambda _: "cut \ud83d")), "what is \ud83d?")
    assert model.bodies[1]["messages"][-1]["content"] == "cut \ufffd"
    json.dumps(model.bodies[1], ensure_ascii=False).encode()


def test_out_of_turns(make_session, settings):
    model = FakeModel(*[says(None, call("look"))] * 3)
    tools = FakeTools(look=lambda _: "seen")
    session = make_session(model, tools, settings=replace(settings, max_turns=3))
    how = ask(session)
    assert (how.code, how.message) == (3, "no answer after 3 turns")
    assert len(model.bodies) == 3
    assert len(tools.called) == 2  # nobody would hear the third result
    assert session.transcript.messages[-1]["role"] == "tool"


@pytest.mark.parametrize(("content", "answer"), [("text", "text"), ([{"type": "text", "text": "a part"}], "a part")])
def test_forms_of_an_answer(make_session, content, answer):
    session = make_session(FakeModel(says(content)))
    assert ask(session).code == 0
    assert session.transcript.answer == answer


def test_a_refusal_is_an_answer(make_session):
    session = make_session(FakeModel(says(None, refusal="I cannot")))
    assert ask(session).code == 0
    assert session.transcript.answer == "I cannot"


def test_no_answer_is_the_models_error(make_session):
    with pytest.raises(ModelError, match=r"without an answer \(finish_reason stop, reasoning only\)"):
        ask(make_session(FakeModel(says("", reasoning_content="hm"))))


def test_another_question_goes_on_from_the_first(make_session):
    model = FakeModel(says("42"), says("43"))
    session = make_session(model)

    async def both():
        await session.ask("How many?")
        await session.ask("And now?")

    asyncio.run(both())
    assert [message["content"] for message in model.bodies[1]["messages"]] == ["How many?", "42", "And now?"]
    assert [turn.question for turn in session.transcript.turns] == [1, 2]
    assert session.transcript.answer == "43"


def test_the_system_prompt_goes_first(make_session, settings):
    model = FakeModel(says("42"))
    ask(make_session(model, transcript=Transcript(settings, system_prompt="Be brief")))
    assert model.bodies[0]["messages"][0] == {"role": "system", "content": "Be brief"}


def test_events_tell_what_happens(make_session):
    seen = []
    model = FakeModel(says(None, call("look")), says("42"))
    ask(make_session(model, FakeTools(look=lambda _: ""), on_event=lambda event: seen.append(type(event))))
    assert seen == [Asked, TurnStarted, TurnEnded, ToolEnded, TurnStarted, TurnEnded]


def test_a_turns_figures_are_kept(make_session):
    session = make_session(FakeModel(says("42")))
    ask(session)
    turn = session.transcript.turns[0]
    assert (turn.request_id, turn.latency_ms, turn.upstream_model) == ("the-request-id", 7, "upstream-m")
    assert turn.usage["total_tokens"] == 5


def test_what_was_streamed_of_an_interrupted_answer_is_kept(settings):
    class Streaming:
        async def complete(self, body, on_event):
            on_event(Delta("lost", ""))
            on_event(Retried("it broke"))
            on_event(Delta("Hel", "hm"))
            raise asyncio.CancelledError

    session = Session(settings, Streaming(), NoTools())

    async def interrupted():
        async with ending(session.transcript):
            await session.ask("How many?")

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    turn = session.transcript.turns[0]
    assert (turn.content, turn.reasoning_content, turn.error) == ("Hel", "hm", "CancelledError")
    assert session.transcript.exit.code == 130
    json.dumps(session.transcript.to_json())


def end_with(settings, error=None, wait_s=0.0):
    transcript, seen = Transcript(settings), []

    async def block():
        async with ending(transcript, seen.append):
            await asyncio.sleep(wait_s)
            if error:
                raise error

    asyncio.run(block())
    return transcript.exit, seen


def test_errors_end_the_session_under_their_code(settings):
    how, seen = end_with(settings, ModelError("no"))
    assert (how.code, how.reason, how.message) == (4, "model_error", "no")
    assert seen == [Ended(how, None)]
    assert end_with(settings, McpError("no"))[0].code == 5


def test_the_time_limit_ends_the_session(settings):
    how, _ = end_with(replace(settings, timeout_s=0.05), wait_s=3600)
    assert (how.code, how.message) == (6, "not done within 0.05 s")


def test_a_time_out_that_is_not_the_limit_is_a_fault(settings):
    with pytest.raises(TimeoutError):
        end_with(settings, TimeoutError())


def test_run_says_in_the_transcript_that_there_is_no_proxy(settings, monkeypatch):
    monkeypatch.setattr("open_llm_proxy.agent.model.RETRY_PAUSE_S", 0)
    transcript = asyncio.run(run("How many?", replace(settings, proxy_url="http://127.0.0.1:9/v1"), NoTools()))
    assert transcript.exit.code == 4
    assert "no answer from http://127.0.0.1:9/v1" in transcript.exit.message


def test_without_tools_none_can_be_called():
    assert asyncio.run(NoTools().call("look", {})).is_error
