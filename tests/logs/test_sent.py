from open_llm_proxy.logs.calls import pair_calls
from open_llm_proxy.logs.sent import read_sent


def sent(scribe, prompts=None):
    calls = pair_calls(scribe.records)
    before = [None, *calls]
    return [
        [(item.kind, item.text) for item in read_sent(call, last, prompts or {})[0]]
        for call, last in zip(calls, before, strict=False)
    ]


def test_a_system_prompt_shows_once_and_again_when_it_changes(scribe):
    for count, sha256 in ((2, "5"), (4, "5"), (6, "6")):
        scribe.ask("q", f"q{count}", count=count, system_sha256=sha256)
        scribe.answer("a")
    found = sent(scribe, {"5": "Be kind.", "6": "Be brief."})
    assert found == [
        [("system", "Be kind."), ("user", "q"), ("user", "q2")],
        [("user", "q4")],
        [("system", "Be brief."), ("user", "q6")],
    ]


def test_a_history_that_the_client_shortened_shows_only_what_is_new(scribe):
    messages = [{"role": role, "content": f"{role} {number}"} for number in (1, 2, 3) for role in ("user", "assistant")]
    scribe.ask("user 1", "user 2", count=3, messages=messages[:3])
    scribe.answer("assistant 2")
    scribe.ask("user 2", "user 3", count=3, messages=messages[2:5])
    assert sent(scribe)[1] == [("user", "user 3")]


def test_after_an_error_what_the_client_made_of_it_is_shown(scribe):
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "(failed)"},
        {"role": "user", "content": "r"},
    ]
    scribe.ask("q", messages=messages[:1])
    scribe.answer(error="worker ended")
    scribe.ask("q", "r", count=3, messages=messages)
    assert sent(scribe)[1] == [("assistant", "(failed)"), ("user", "r")]


def test_a_prompt_beside_the_messages_is_none_of_them(scribe):
    scribe.ask("q", count=1, endpoint="/v1/messages", system_sha256="5")
    call = pair_calls(scribe.records)[0]
    assert read_sent(call, None, {})[1] == 0
    scribe.records[0]["message_count"] = 3
    assert read_sent(call, None, {})[1] == 2


def test_an_answer_alone_sends_nothing(scribe):
    scribe.answer("a", of="f" * 32)
    assert sent(scribe) == [[]]
