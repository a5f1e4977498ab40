import pytest

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.stats import Percentiles, gather_stats, parse_by
from open_llm_proxy.logs.window import ALL

ERRORS = {
    "worker ended": "worker_ended",
    "Client disconnected/cancelled after 5ms": "client_gone",
    "Request timed out after 1200000ms": "timeout",
    "Provider returned 402: this requires more credits": "budget_capped",
    "Provider returned 429: slow down": "rate_limited",
    "Provider returned 503: busy": "provider_failed",
    "Provider returned 400: no": "provider_refused",
    "Provider returned 200: answer broken off after 7 bytes": "cut_off",
    'Provider returned 200: {"error":"x"}': "bad_answer",
    "NRP API key not configured on server": "not_configured",
    "Unknown model 'x'. Known: y": "refused",
    "something else": "other",
}


@pytest.fixture
def gather(store_records, tmp_path):
    (tmp_path / "logs").mkdir()

    def gather(records=()):
        return gather_stats([Folder(tmp_path / "logs" if not records else store_records(records))], ALL)

    return gather


def test_no_call_at_all(gather):
    found = gather()
    assert (found.total.calls, found.times, found.groups["app"]) == (0, [], [])


def test_kinds_of_errors_are_those_of_the_metrics(gather, scribe):
    for error in ERRORS:
        scribe.ask("q")
        scribe.answer(error=error, status=None)
    scribe.ask("q")
    scribe.answer(error="the provider's name cannot be found", status=502)
    total = gather(scribe.records).total
    assert total.kinds == dict.fromkeys(ERRORS.values(), 1) | {"unreachable": 1}
    assert (total.calls, total.errors) == (13, 13)


def test_sums_and_percentiles(gather, scribe):
    for number in range(1, 101):
        scribe.ask("q")
        tokens = {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "cost": 0.25,
            "prompt_tokens_details": {"cached_tokens": 4},
        }
        scribe.answer("a", latency_ms=number * 10, ttft_ms=number if number > 50 else None, tokens=tokens)
    scribe.ask("q")
    total = gather(scribe.records).total
    assert (total.calls, total.unanswered, total.sessions, total.errors) == (101, 1, 1, 0)
    assert (total.prompt_tokens, total.completion_tokens, total.cached_tokens, total.cost_usd) == (1000, 500, 400, 25.0)
    assert (total.latency.p50, total.latency.p90, total.latency.p99) == pytest.approx((505, 901, 990.1))
    assert total.ttft.p50 == pytest.approx(75.5)


def test_tokens_by_other_names(gather, scribe):
    scribe.ask("q")
    scribe.answer("a", tokens={"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 5})
    total = gather(scribe.records).total
    assert (total.prompt_tokens, total.completion_tokens, total.cached_tokens, total.cost_usd) == (100, 5, 90, None)


def test_groups(gather, scribe):
    for origin, model, client in (
        ("https://geo.example.org/x", "kimi", None),
        ("geo", "kimi", None),
        (None, "qwen3", "script/1"),
    ):
        scribe.identity |= {"origin": origin, "model": model, "client": client}
        scribe.ask("q")
        scribe.answer("a")
    scribe.day = "2026-04-09"
    scribe.ask("q")
    found = gather(scribe.records)
    assert [(one.name, one.calls) for one in found.groups["app"]] == [("geo", 2), ("script/1", 2)]
    assert [(one.name, one.calls) for one in found.groups["model"]] == [("kimi", 2), ("qwen3", 2)]
    assert [(one.name, one.calls) for one in found.groups["day"]] == [("2026-04-07", 3), ("2026-04-09", 1)]
    assert [one.name for one in found.groups["provider"]] == ["nrp"]


def test_a_short_span_is_cut_into_hours_and_none_is_left_out(gather, scribe):
    scribe.ask("q")
    scribe.clock = "15:00:00"
    scribe.ask("q")
    assert [(one.name[-5:], one.calls) for one in gather(scribe.records).times] == [
        ("12:00", 1), ("13:00", 0), ("14:00", 0), ("15:00", 1),
    ]  # fmt: skip


def test_a_long_span_is_cut_into_days(gather, scribe):
    scribe.ask("q")
    scribe.day = "2026-04-10"
    scribe.ask("q")
    times = gather(scribe.records).times
    assert [(one.name, one.calls) for one in times] == [
        ("2026-04-07", 1), ("2026-04-08", 0), ("2026-04-09", 0), ("2026-04-10", 1),
    ]  # fmt: skip
    assert times[1].latency == Percentiles()


def test_groups_have_names():
    assert parse_by("app") == "app"
    with pytest.raises(UserError, match="day, app, model, provider"):
        parse_by("hour")
