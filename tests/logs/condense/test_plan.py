from datetime import UTC, datetime

import pytest

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.condense.plan import ALONE, Job, Selection, Shard, day_after, day_before, make_plan, select
from open_llm_proxy.logs.holdings import Holdings
from open_llm_proxy.logs.stored import Stored

ALL = Selection("2026-12-10")


def holdings(*keys):
    return Holdings(Stored(key, 1, datetime(2026, 1, 1, tzinfo=UTC), None) for key in keys)


def raw(day):
    return f"{day}/12-00-00-h-1-00ff.1.1.jsonl"


def daily(day, *tables):
    return [f"{table}/daily/{day}.parquet" for table in tables or ("consolidated", "sessions", "session-rollup")]


def monthly(month):
    return [f"{table}/monthly/{month}.parquet" for table in ("consolidated", "sessions", "session-rollup")]


def jobs(held, selection=ALL, shard=ALONE, **more):
    return [job.period for job in make_plan(held, selection, shard, **more).jobs]


def test_complete_days_then_complete_months_missed_ones_too():
    held = holdings(raw("2026-10-30"), raw("2026-12-09"), raw("2026-12-10"))
    assert jobs(held) == ["2026-10-30", "2026-12-09", "2026-10"]


def test_what_is_done_is_not_done_again_unless_it_is_asked_for():
    held = holdings(*daily("2026-12-01"), *monthly("2026-11"))
    assert jobs(held) == []
    assert jobs(held, Selection("2026-12-10", again=True)) == ["2026-12-01", "2026-11"]
    assert jobs(held, Selection("2026-12-10", "2026-12-01", again=True)) == ["2026-12-01"]


def test_a_day_whose_tables_are_not_all_there_is_done():
    assert jobs(holdings(*daily("2026-12-01", "consolidated", "sessions"))) == ["2026-12-01"]


def test_late_files_of_a_closed_month_go_into_the_month():
    held = holdings(*monthly("2026-10"), raw("2026-10-03"), raw("2026-10-04"))
    assert make_plan(held, ALL).jobs == [Job("2026-10", ("2026-10-03", "2026-10-04"))]
    assert make_plan(held, Selection("2026-12-10", "2026-10-03")).jobs == [Job("2026-10", ("2026-10-03",))]


def test_daily_files_beside_their_monthly_ones_are_merged_or_removed():
    assert jobs(holdings(*monthly("2026-10"), *daily("2026-10-03", "sessions"))) == ["2026-10"]


def test_sessions_without_records_are_left():
    assert jobs(holdings(*daily("2026-10-03", "sessions", "session-rollup"), "sessions/monthly/2026-09.parquet")) == []


def test_a_named_day_may_be_one_that_is_not_over_and_closes_no_month():
    held = holdings(raw("2026-10-30"), raw("2026-12-10"))
    assert jobs(held, Selection("2026-12-10", "2026-12-10")) == ["2026-12-10"]
    assert jobs(held, Selection("2026-12-10", "2026-10-30")) == ["2026-10-30"]


def test_a_named_month_is_its_days_and_itself():
    held = holdings(raw("2026-10-30"), raw("2026-11-01"))
    assert jobs(held, Selection("2026-12-10", "2026-10")) == ["2026-10-30", "2026-10"]
    assert jobs(holdings(raw("2026-12-01"), raw("2026-12-10")), Selection("2026-12-10", "2026-12")) == ["2026-12-01"]


def test_only_months_that_are_over():
    held = holdings(raw("2026-10-30"), raw("2026-12-01"))
    assert jobs(held, Selection("2026-12-10", monthly=True)) == ["2026-10-30", "2026-10"]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_part_the_days_and_months_among_them(count):
    days = [f"2026-{month:02}-{day:02}" for month in (9, 10, 11) for day in (1, 2, 3, 9, 28)]
    held = holdings(*map(raw, days), *(key for month in ("2025-01", "2025-02") for key in daily(f"{month}-05")))
    plans = [make_plan(held, ALL, Shard(index, count)) for index in range(count)]
    done = [job.period for plan in plans for job in plan.jobs]
    waiting = [month for plan in plans for month in plan.waiting]
    assert sorted(done + waiting) == sorted([*days, "2025-01", "2025-02", "2026-09", "2026-10", "2026-11"])
    assert (waiting == []) == (count == 1)


def test_a_month_waits_for_days_of_other_shards():
    held = holdings(raw("2026-10-01"), raw("2026-10-02"))
    plans = [make_plan(held, ALL, Shard(index, 2)) for index in range(2)]
    assert sorted(month for plan in plans for month in plan.waiting) == ["2026-10"]


def test_kept_raw_files_that_are_condensed_just_as_they_are_are_left():
    held = holdings(raw("2026-12-01"), *daily("2026-12-01"), raw("2026-10-01"), *monthly("2026-10"))
    assert jobs(held, is_done=lambda _: True) == []
    assert jobs(held, is_done=lambda period: period == "2026-10") == ["2026-12-01"]


@pytest.mark.parametrize("text", ["", "1", "2/2", "-1/2", "a/b", "0/0", "1/2/3"])
def test_what_is_no_shard(text):
    with pytest.raises(UserError, match="JOB_COMPLETION_INDEX"):
        Shard.parse(text)


def test_a_shard():
    assert Shard.parse("0/4") == Shard(0, 4)


def test_days_beside_a_day():
    assert (day_before("2026-03-01"), day_after("2026-12-31")) == ("2026-02-28", "2027-01-01")


NOW = datetime(2026, 12, 10, 1, tzinfo=UTC)


def test_what_options_ask_for():
    assert select(None, None, NOW) == Selection("2026-12-10")
    assert select(None, None, NOW, every=True) == Selection("2026-12-11")
    assert select(None, None, NOW, monthly=True) == Selection("2026-12-10", monthly=True)
    assert select("2026-12-10", None, NOW) == Selection("2026-12-10", "2026-12-10", again=True)
    assert select(None, "2026-11", NOW) == Selection("2026-12-10", "2026-11", again=True)


@pytest.mark.parametrize(
    ("day", "month", "told"),
    [
        ("2026-12", None, "--date"),
        ("2026-12-32", None, "--date"),
        ("26-1-1", None, "--date"),
        (None, "2026-13", "--month"),
        (None, "2026-12-01", "--month"),
        ("2026-12-11", None, "still to come"),
        ("2026-12-01", "2026-12", "Give one"),
    ],
)
def test_what_options_cannot_ask_for(day, month, told):
    with pytest.raises(UserError, match=told):
        select(day, month, NOW)
