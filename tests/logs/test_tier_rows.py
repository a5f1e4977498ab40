from datetime import UTC, date, datetime

import duckdb
import pytest

from open_llm_proxy.logs.coverage import Tier
from open_llm_proxy.logs.select import tier_file
from open_llm_proxy.logs.tier_rows import Cut, column_names, in_days, is_whole, tier_rows, within
from open_llm_proxy.logs.window import ALL, Window
from open_llm_proxy.store.schema import CONSOLIDATED, SESSIONS

ONE = date(2026, 11, 1)


@pytest.fixture
def connection():
    return duckdb.connect()


def tier(folder, key="consolidated/daily/2026-11-01.parquet"):
    path = folder / key.replace("/", "-")
    return Tier(str(path), tier_file(key))


def write(connection, file, select):
    connection.execute(f"COPY ({select}) TO '{file.path}' (FORMAT parquet)")
    return file


def rows(connection, statements):
    return [
        row for one in statements for row in connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM ({one})").fetchall()
    ]


def test_columns_that_a_file_lacks_are_null(connection, tmp_path):
    file = write(
        connection,
        tier(tmp_path, "sessions/daily/2026-11-01.parquet"),
        "SELECT 'k' AS session_key, 1 AS turn_idx, 9 AS new",
    )
    (found,) = tier_rows(connection, [file], SESSIONS, Cut("request_ts"))
    assert rows(connection, [found]) == [("k", None, "1", *[None] * (len(SESSIONS) - 3))]
    kinds = [
        kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
        for _, kind, *_ in connection.execute(f"DESCRIBE {found}").fetchall()
    ]
    assert kinds == [column.type for column in SESSIONS]


def test_records_in_five_columns_have_the_others_in_their_text(connection, tmp_path):
    entry = '{"timestamp":"2026-11-01T10:00:00Z","type":"request","request_id":"a","model":"kimi","message_count":2}'
    five = f"SELECT now() AS ts, 'request' AS type, 'a' AS request_id, NULL::VARCHAR AS origin, '{entry}' AS entry"
    (found,) = tier_rows(connection, [write(connection, tier(tmp_path), five)], CONSOLIDATED, Cut("ts"))
    assert rows(connection, [f"SELECT model, message_count, epoch(ts)::BIGINT, entry FROM ({found})"]) == [
        ("kimi", "2", "1793527200", entry)
    ]


def test_only_our_columns_are_looked_up_one_by_one(connection, tmp_path):
    theirs = ", ".join(f"NULL::{kind} AS {name}" for name, kind in CONSOLIDATED[:20])
    entry = '{"status":200,"finish_reason":"stop","stream":true}'
    file = write(connection, tier(tmp_path), f"SELECT {theirs}, '{entry}' AS entry")
    (found,) = tier_rows(connection, [file], CONSOLIDATED, Cut("ts"))
    assert rows(connection, [f"SELECT status, finish_reason, stream, key FROM ({found})"]) == [
        ("200", "stop", "true", None)
    ]


def test_files_that_are_alike_are_one_statement(connection, tmp_path):
    files = [
        write(connection, tier(tmp_path, f"sessions/daily/2026-11-0{day}.parquet"), f"SELECT TIMESTAMPTZ '2026-11-0{day}' AS request_ts")
        for day in (1, 2, 3)
    ]  # fmt: skip
    assert len(tier_rows(connection, files, SESSIONS, Cut("request_ts"))) == 1
    half = Window(datetime(2026, 11, 1, 12, tzinfo=UTC), None)
    assert len(tier_rows(connection, files, SESSIONS, Cut("request_ts", half))) == 2


def test_a_file_none_of_whose_days_is_wanted_is_not_read(connection, tmp_path):
    file = tier(tmp_path)
    near = frozenset([ONE, date(2026, 10, 31)])
    assert tier_rows(connection, [file], CONSOLIDATED, Cut("ts", without=near)) == []
    assert tier_rows(connection, [file], CONSOLIDATED, Cut("ts", only=frozenset([date(2026, 11, 3)]))) == []


def test_a_file_within_the_window_is_taken_as_it_is(tmp_path):
    file = tier(tmp_path)
    assert Cut("ts", ALL).condition(file) == ""
    assert Cut("ts", Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))).condition(file) == ""
    assert not is_whole(file, Window(datetime(2026, 11, 1, 0, 0, 1, tzinfo=UTC), None))
    assert not is_whole(file, Window(None, datetime(2026, 11, 1, 23, tzinfo=UTC)))


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
def test_days_and_windows_are_utc_in_any_session_zone(connection, zone):
    connection.execute(f"SET TimeZone = '{zone}'")
    condition = in_days("ts", [ONE, date(2026, 11, 2), date(2026, 11, 4)])
    times = "(VALUES ('2026-10-31 23:59:59Z'), ('2026-11-01 00:00:00Z'), ('2026-11-02 23:59:59Z'), ('2026-11-03 00:00:00Z'), ('2026-11-04 12:00:00Z'))"
    found = connection.execute(
        f"SELECT count(*) FROM (SELECT t::TIMESTAMPTZ AS ts FROM {times} AS v(t)) WHERE {condition}"
    )
    assert found.fetchone() == (3,)
    inside = within("TIMESTAMPTZ '2026-11-01 00:00:00+00'", Window(datetime(2026, 11, 1, tzinfo=UTC), None))
    assert connection.execute(f"SELECT {inside}").fetchone() == (True,)
    assert in_days("ts", []) == "false"


def test_names_come_from_footers(connection, tmp_path):
    file = write(connection, tier(tmp_path), "SELECT 1 AS a, {'b': 2} AS c")
    assert column_names(connection, [file.path])[file.path] >= {"a", "c"}
    assert column_names(connection, []) == {}
