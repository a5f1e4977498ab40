from open_llm_proxy.logs.calls import pair_calls
from open_llm_proxy.logs.threads import split_threads


def threads_of(scribe):
    numbers = {call.request_id: place for place, call in enumerate(pair_calls(scribe.records), 1)}
    return [[numbers[call.request_id] for call in thread] for thread in split_threads(pair_calls(scribe.records))]


def test_tool_calls_tell_two_conversations_with_the_same_question_apart(scribe, tools):
    scribe.ask("q")
    scribe.answer(calls=[tools.call("c1")])
    scribe.ask("q")
    scribe.answer(calls=[tools.call("c2")])
    scribe.ask("q", count=3, results=[tools.result("c1", "x")])
    scribe.answer("a")
    scribe.ask("q", count=3, results=[tools.result("c2", "y")])
    assert threads_of(scribe) == [[1, 3], [2, 4]]


def test_the_same_question_answered_and_asked_again_begins_anew(scribe):
    for _ in range(2):
        scribe.ask("q")
        scribe.answer("a")
    assert threads_of(scribe) == [[1], [2]]


def test_a_client_that_shortens_its_history_stays_in_its_session(scribe):
    scribe.ask("q", count=5)
    scribe.answer("a")
    scribe.ask("r", "s", count=5)
    assert threads_of(scribe) == [[1, 2]]


def test_without_a_session_what_began_elsewhere_is_apart(scribe):
    scribe.ask("q", count=5, session_id=None)
    scribe.answer("a", session_id=None)
    scribe.ask("r", "s", count=5, session_id=None)
    assert threads_of(scribe) == [[1], [2]]


def test_a_side_conversation_of_the_same_session(scribe):
    scribe.ask("q", count=2)
    scribe.answer("a")
    scribe.ask("Give a title", count=1)
    scribe.answer("Parks")
    scribe.ask("q", "r", count=4)
    assert threads_of(scribe) == [[1, 3], [2]]
