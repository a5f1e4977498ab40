from datetime import UTC, datetime

from open_llm_proxy.logs.holdings import Holdings
from open_llm_proxy.logs.stored import Stored
from open_llm_proxy.logs.verify.unit import find_units


def test_days_and_months_that_touch_the_window():
    keys = [
        "2026-10-30/a.jsonl",
        "2026-11-01/a.jsonl",
        "consolidated/daily/2026-11-01.parquet",
        "sessions/daily/2026-11-03.parquet",
    ]
    keys += ["consolidated/monthly/2026-09.parquet", "consolidated/monthly/2026-10.parquet"]
    held = Holdings(Stored(key, 1, datetime(2026, 1, 1, tzinfo=UTC), None) for key in keys)
    assert [unit.period for unit in find_units(held, None, None)] == [
        "2026-09",
        "2026-10",
        "2026-10-30",
        "2026-11-01",
        "2026-11-03",
    ]
    assert [unit.period for unit in find_units(held, "2026-10-31", "2026-11-01")] == ["2026-10", "2026-11-01"]
    (unit,) = find_units(held, "2026-11-01", "2026-11-01")
    assert (unit.first, unit.raw_keys(), list(unit.tables)) == ("2026-11-01", keys[1:2], ["consolidated"])
    assert next(find_units(held, None, None)).first == "2026-09-01"


def test_the_records_of_raw_files_and_of_a_table(folder, press, corpus, calls, unit, site):
    from open_llm_proxy.logs.condense.day import condense_day

    corpus.put(folder, calls)
    assert press.count(unit().records(press)) == 3
    condense_day(site, press, "2026-11-01")
    assert press.count(unit().records(press)) == 3
    corpus.put(folder, calls)
    assert press.count(unit().records(press)) == 6
