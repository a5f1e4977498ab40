import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.store.layout import (
    Chunk,
    clean_host,
    daily_key,
    day_prefix,
    monthly_key,
    parse_chunk,
    unreadable_key,
)

DIRECTORY = "0123456789abcdef"


@pytest.mark.parametrize(
    ("chunk", "key"),
    [
        (
            Chunk("2026-11-25", "09-30-00", "llm-proxy-7f9c-x2x", 17, DIRECTORY, 3, 5),
            f"2026-11-25/09-30-00-llm-proxy-7f9c-x2x-17-{DIRECTORY}.3.5.jsonl",
        ),
        (
            Chunk("2026-11-25", "09-30-00", "a.example.org", 1, DIRECTORY, 3, 3, 16_000_000),
            f"2026-11-25/09-30-00-a.example.org-1-{DIRECTORY}.3.3.16000000.jsonl",
        ),
        (Chunk("2026-04-07", "09-30-00", None, 1234, None, None, None), "2026-04-07/09-30-00-1234.jsonl"),
    ],
)
def test_names_are_made_and_read(chunk, key):
    assert chunk.key == key
    assert parse_chunk(key) == chunk


@given(st.text(max_size=80), st.integers(0, 10**7), st.integers(1, 10**6), st.integers(0, 10**6))
def test_any_host_makes_a_name_that_reads_back(host, pid, first, more):
    chunk = Chunk("2026-11-25", "09-30-00", host, pid, DIRECTORY, first, first + more)
    assert parse_chunk(chunk.key) == chunk._replace(host=clean_host(host))
    assert len(chunk.key) < 200


@pytest.mark.parametrize(
    ("host", "clean"), [("a_b/c d", "a-b-c-d"), ("", "host"), ("../..", "host"), ("x" * 90, "x" * 63)]
)
def test_hosts_are_made_fit_for_a_name(host, clean):
    assert clean_host(host) == clean


@pytest.mark.parametrize(
    "key",
    [
        "consolidated/daily/2026-11-25.parquet",
        "2026-11-25/notes.txt",
        "2026-11-25/09-30-00.jsonl",
        "x/2026-11-25/09-30-00-12.jsonl",
        f"2026-11-25/09-30-00-h-1-{DIRECTORY}.3.jsonl",
    ],
)
def test_other_names_are_no_chunks(key):
    assert parse_chunk(key) is None


def test_the_tiers():
    assert day_prefix("2026-11-25") == "2026-11-25/"
    assert daily_key("consolidated", "2026-11-25") == "consolidated/daily/2026-11-25.parquet"
    assert monthly_key("session-rollup", "2026-11") == "session-rollup/monthly/2026-11.parquet"
    assert unreadable_key("2026-11-25", DIRECTORY, 3, 70) == f"unreadable/2026-11-25/{DIRECTORY}.3.70.txt"
