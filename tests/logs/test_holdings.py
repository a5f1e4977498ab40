from datetime import UTC, datetime

import pytest

from open_llm_proxy.logs.holdings import Holdings, Place, is_ours, place_of
from open_llm_proxy.logs.stored import Stored


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("2026-11-25/12-00-00-host-1-00ff.1.1.jsonl", Place("2026-11-25")),
        ("2026-11-25/12-00-00-17.jsonl", Place("2026-11-25")),
        ("consolidated/daily/2026-11-25.parquet", Place("2026-11-25", "consolidated", "daily")),
        ("session-rollup/monthly/2026-11.parquet", Place("2026-11", "session-rollup", "monthly")),
        ("sessions/daily/2026-11.parquet", None),
        ("sessions/monthly/2026-11-25.parquet", None),
        ("2026-11-25/.x.jsonl", None),
        ("2026-11-25/deep/x.jsonl", None),
        ("unreadable/2026-11-25/x.txt", None),
        ("notes.txt", None),
    ],
)
def test_what_a_key_names(key, place):
    assert place_of(key) == place
    assert is_ours(key) == (place is not None or key.startswith("unreadable/"))


def test_what_there_is():
    keys = [
        "2026-11-02/b.jsonl",
        "2026-11-02/a.jsonl",
        "consolidated/daily/2026-11-01.parquet",
        "sessions/daily/2026-11-01.parquet",
        "consolidated/monthly/2026-10.parquet",
        "x",
    ]
    held = Holdings(Stored(key, 1, datetime(2026, 1, 1, tzinfo=UTC), None) for key in keys)
    assert [file.key for file in held.raw["2026-11-02"]] == ["2026-11-02/a.jsonl", "2026-11-02/b.jsonl"]
    assert held.periods("consolidated", "daily") == ["2026-11-01"]
    assert [file.key for file in held.dailies("2026-11")] == keys[2:4]
    assert held.tier("sessions", "monthly", "2026-10") is None
    assert held.holds("2026-10-05").key == "consolidated/monthly/2026-10.parquet"
    assert held.holds("2026-11-01").key == "consolidated/daily/2026-11-01.parquet"
    assert held.holds("2026-11-02") is None
    assert len(list(held)) == 5
