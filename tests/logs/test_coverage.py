from datetime import UTC, date, datetime

import pytest

from open_llm_proxy.logs.coverage import cover
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.window import ALL, Window


@pytest.fixture
def sources(tmp_path):
    return [Folder(tmp_path / "one"), Folder(tmp_path / "two")]


def november(*days):
    return {date(2026, 11, day) for day in days}


def test_a_day_is_mixed_unless_one_file_alone_tells_of_it(sources):
    one, two = sources
    for key in (
        "sessions/daily/2026-11-01.parquet",
        "sessions/daily/2026-11-02.parquet",
        "sessions/daily/2026-11-03.parquet",
        "consolidated/daily/2026-11-04.parquet",
        "2026-11-02/00-00-00-host-7-00ff.0.0.jsonl",
    ):
        one.write(key, b"x")
    two.write("sessions/daily/2026-11-03.parquet", b"x")
    coverage = cover(sources, ALL, ["sessions", "consolidated"])
    assert coverage.mixed("sessions", "consolidated") == november(2, 3, 4)
    assert coverage.mixed("sessions") == november(2, 3)
    assert coverage.mixed("consolidated") == november(2)
    assert coverage.covered("sessions") == november(1, 2, 3)


def test_a_day_outside_the_window_is_not_looked_at(sources):
    sources[0].write("2026-11-02/00-00-00-host-7-00ff.0.0.jsonl", b"x")
    window = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    coverage = cover(sources, window, ["sessions"])
    assert coverage.mixed("sessions") == set()
    assert coverage.raw_days == november(2)
    assert coverage.days_to_read == set()


def test_an_older_chunk_file_may_hold_the_end_of_the_day_before(sources):
    sources[0].write("2026-11-02/00-00-00-7.jsonl", b"x")
    window = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    coverage = cover(sources, window, ["sessions"])
    assert coverage.mixed("sessions") == november(1)
    assert coverage.days_to_read == november(2)
