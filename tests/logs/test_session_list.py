from datetime import UTC, datetime

import pytest

from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.session_list import list_sessions
from open_llm_proxy.logs.window import ALL, Window
from open_llm_proxy.store.schema import ROLLUP


@pytest.fixture
def listed(store_records, scribe, tmp_path):
    """Three sessions of two apps; the second failed, the third took two models."""

    def session(name, **identity):
        scribe.identity |= {"session_id": name, **identity}

    session("one")
    scribe.ask("first?")
    scribe.answer("a")
    session("two", origin="https://lakes.example.org")
    scribe.ask("second?")
    scribe.answer(error="Provider returned 503: busy", status=503)
    session("three", origin=None)
    scribe.ask("third?")
    scribe.answer("b")
    session("three", model="qwen3")
    scribe.ask("third?", "more", count=3)
    store_records(scribe.records)

    def listed(window=ALL, **more):
        return list_sessions([Folder(tmp_path / "logs")], window, **more)

    return listed


def keys(rows):
    return [row["session_key"] for row in rows]


def test_newest_first_with_the_roll_ups_columns(listed):
    rows = listed()
    assert keys(rows) == ["three", "two", "one"]
    assert list(rows[0]) == [column.name for column in ROLLUP]
    assert (rows[0]["question"], rows[0]["turns"], rows[0]["status"]) == ("third?", 2, "incomplete")
    assert rows[2]["started_at"] == "2026-04-07T12:00:01.000000Z"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"origin": "LAKES"}, ["two"]),
        ({"model": "qwen"}, ["three"]),
        ({"model": "kimi"}, ["three", "two", "one"]),
        ({"errors": True}, ["three", "two"]),
        ({"limit": 1}, ["three"]),
        ({"origin": "nowhere"}, []),
        ({"window": Window(datetime(2027, 1, 1, tzinfo=UTC), None)}, []),
    ],
)
def test_what_is_listed(listed, wanted, found):
    assert keys(listed(**wanted)) == found


def test_an_empty_folder(tmp_path):
    assert list_sessions([Folder(tmp_path)], ALL) == []
