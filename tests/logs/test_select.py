from datetime import UTC, date, datetime

import pytest

from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.select import TierFile, select, tier_file
from open_llm_proxy.logs.window import ALL, Window

KEYS = (
    "2026-10-31/00-00-00-7.jsonl",
    "2026-11-01/00-00-00-host-7-00ff.0.0.jsonl",
    "2026-11-02/00-00-00-host-7-00ff.1.1.jsonl",
    "2026-11-02/notes.txt",
    "2026-11-02/.part.json",
    "2026-13-40/x.jsonl",
    "unreadable/2026-11-02/x.txt",
    "consolidated/monthly/2026-10.parquet",
    "consolidated/daily/2026-10-31.parquet",
    "consolidated/daily/2026-11-01.parquet",
    "consolidated/daily/2026-11-02.parquet",
    "consolidated/daily/2026-11-31.parquet",
    "consolidated/daily/2026-11.parquet",
    "sessions/daily/2026-11-01.parquet",
    "sessions/daily/2026-11-02.parquet",
    "session-rollup/monthly/2026-10.parquet",
)


@pytest.fixture
def source(tmp_path):
    source = Folder(tmp_path)
    for key in KEYS:
        source.write(key, b"x")
    source.write("2026-11-03/00-00-00-host-7-00ff.2.2.jsonl", b"")
    return source


def keys(selection, table):
    return [file.key for file in selection.tiers[table]]


def test_a_window_takes_its_days_and_for_late_answers_the_day_after(source):
    found = select(source, Window(datetime(2026, 11, 1, 5, tzinfo=UTC), datetime(2026, 11, 1, 7, tzinfo=UTC)))
    assert found.raw == {date(2026, 11, 1): (KEYS[1],), date(2026, 11, 2): (KEYS[2],)}
    assert keys(found, "consolidated") == [KEYS[9], KEYS[10]]
    assert keys(found, "sessions") == [KEYS[13]]
    assert keys(found, "session-rollup") == []


def test_daily_files_beside_their_months_are_taken_with_it(source):
    found = select(
        source, Window(datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)), ["consolidated"]
    )
    assert keys(found, "consolidated") == [KEYS[7], KEYS[8], KEYS[9]]
    assert list(found.tiers) == ["consolidated"]


def test_without_a_window_all_is_taken_but_what_is_none_of_ours_or_empty(source):
    found = select(source, ALL)
    assert sorted(found.raw) == [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2)]
    assert found.raw[date(2026, 11, 2)] == (KEYS[2],)
    assert keys(found, "consolidated") == [KEYS[7], *KEYS[8:11]]


def test_days_of_older_names_are_known(source):
    assert select(source, ALL).older_days == {date(2026, 10, 31)}


def test_a_months_file_is_of_all_its_days():
    found = tier_file("sessions/monthly/2028-02.parquet")
    assert found == TierFile("sessions/monthly/2028-02.parquet", date(2028, 2, 1), date(2028, 2, 29))
    assert len(list(found.days)) == 29
    assert tier_file("sessions/monthly/2028-02-01.parquet") is None
    assert tier_file("sessions/monthly/2028-13.parquet") is None
