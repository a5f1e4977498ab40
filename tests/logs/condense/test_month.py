import pytest

from open_llm_proxy.logs.condense.day import condense_day
from open_llm_proxy.logs.condense.month import condense_month, last_day
from open_llm_proxy.logs.condense.site import Site

DAYS = ("2026-10-30", "2026-10-31")
NEXT = "2026-11-01"


@pytest.fixture
def site(folder, work):
    return Site(folder, work)


@pytest.fixture
def calls(corpus):
    """A session over midnight; its last answer comes in the next month."""
    return [
        corpus.request("a", corpus.stamp(DAYS[0], 86_399)),
        corpus.response("a", corpus.stamp(DAYS[1], 2)),
        corpus.request("b", corpus.stamp(DAYS[1], 86_399)),
        corpus.response("b", corpus.stamp(NEXT, 2), content="next month"),
    ]


def month_of(record):
    return record["timestamp"][:7]


@pytest.fixture
def closed(site, press, folder, corpus, calls):
    """October is done; the raw chunk file of November is there."""
    corpus.put(folder, calls)
    for day in DAYS:
        condense_day(site, press, day)
    return condense_month(site, press, "2026-10")


def test_sessions_are_counted_over_the_month_and_the_daily_files_go(closed, folder, corpus, calls, tmp_path):
    assert closed == ("2026-10", 3, 2, 1, 0, 0, 1)
    assert corpus.keys(folder) == [
        f"{NEXT}/12-00-00-host-1-00ff.1.1.jsonl",
        *(f"{table}/monthly/2026-10.parquet" for table in ("consolidated", "session-rollup", "sessions")),
    ]
    assert set(corpus.rows(folder, "sessions", corpus.TURN_COLUMNS, tmp_path)) == corpus.expected_turns(calls, month_of)


def test_late_files_of_a_closed_month_are_merged(closed, site, press, folder, corpus, calls, tmp_path):
    late = [corpus.request("0", corpus.stamp(DAYS[0], 5)), corpus.response("0", corpus.stamp(DAYS[0], 7))]
    corpus.put(folder, late, "13")
    assert condense_month(site, press, "2026-10", [DAYS[0]]).records == 5
    condense_day(site, press, NEXT)
    assert not [key for key in corpus.keys(folder) if key.endswith("jsonl")]
    corpus.check(
        folder,
        [*calls, *late],
        tmp_path,
        month_of=lambda one: month_of(one) if month_of(one) == "2026-10" else one["timestamp"][:10],
    )


def test_an_answer_that_comes_when_the_month_is_closed(site, press, folder, corpus, calls, tmp_path):
    corpus.put(folder, calls[:3])
    for day in DAYS:
        condense_day(site, press, day)
    condense_month(site, press, "2026-10")
    corpus.put(folder, calls[3:])
    condense_day(site, press, NEXT)
    assert set(corpus.rows(folder, "sessions", corpus.TURN_COLUMNS, tmp_path)) == corpus.expected_turns(calls, month_of)
    assert corpus.rows(folder, "session-rollup", "turns, unanswered_turns, final_answer", tmp_path) == [
        (2, 0, "next month")
    ]


def test_what_is_left_of_a_run_that_ended_early_is_put_right(closed, site, press, folder, corpus, calls, tmp_path):
    folder.write(f"sessions/daily/{DAYS[0]}.parquet", b"whatever")
    folder.delete(["session-rollup/monthly/2026-10.parquet"])
    assert condense_month(site, press, "2026-10").records == 3
    assert f"sessions/daily/{DAYS[0]}.parquet" not in corpus.keys(folder)
    assert set(corpus.rows(folder, "sessions", corpus.TURN_COLUMNS, tmp_path)) == corpus.expected_turns(calls, month_of)


def test_last_days():
    assert (last_day("2026-02"), last_day("2028-02"), last_day("2026-12")) == ("2026-02-28", "2028-02-29", "2026-12-31")


def test_older_tables_of_a_closed_month(closed, site, press, folder, corpus, calls, tmp_path, work):
    """Of five columns, and turns without ours: they are brought up to date where something has to be done."""
    place = "consolidated/monthly/2026-10.parquet"
    press.copy(f"SELECT ts, type, request_id, origin, entry FROM {press.stored(place)}", work / "older.parquet")
    folder.write(place, work / "older.parquet")
    folder.delete(["sessions/monthly/2026-10.parquet"])
    condense_month(site, press, "2026-10")
    assert press.is_current(place)
    assert set(corpus.rows(folder, "sessions", corpus.TURN_COLUMNS, tmp_path)) == corpus.expected_turns(calls, month_of)


def test_a_late_answer_into_an_older_table_of_turns(site, press, folder, corpus, calls, tmp_path, work):
    corpus.put(folder, calls[:3])
    for day in DAYS:
        condense_day(site, press, day)
    condense_month(site, press, "2026-10")
    place = "sessions/monthly/2026-10.parquet"
    press.copy(
        f"SELECT * EXCLUDE (key, status, ttft_ms, finish_reason) FROM {press.stored(place)}", work / "older.parquet"
    )
    folder.write(place, work / "older.parquet")
    corpus.put(folder, calls[3:])
    condense_day(site, press, NEXT)
    assert set(
        corpus.rows(folder, "sessions", corpus.TURN_COLUMNS, tmp_path, "request_id IS NOT NULL")
    ) == corpus.expected_turns(calls, month_of)
