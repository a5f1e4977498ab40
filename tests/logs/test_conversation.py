from open_llm_proxy.logs.conversation import Usage


def test_usage_adds_what_is_known():
    one, other = Usage(prompt=1, cost_usd=0.25), Usage(prompt=2, total=5)
    assert one + other == other + one == Usage(prompt=3, total=5, cost_usd=0.25)


def test_times_of_a_thread(scribe):
    from open_llm_proxy.logs.weave import weave

    scribe.ask("q")
    scribe.answer("a")
    scribe.ask("q", "r", count=3)
    thread = weave(scribe.records).threads[0]
    assert (thread.started_at, thread.finished_at) == ("2026-04-07T12:00:01.000000Z", "2026-04-07T12:00:02.000000Z")
