import duckdb
import pytest

from open_llm_proxy.logs.redaction import Redaction
from open_llm_proxy.logs.scrubbed_parquet import scrub_parquet
from open_llm_proxy.records.scrub import Scrubber

KEY = "known-client-key-1234"
COLUMNS = f"""
    TIMESTAMPTZ '2026-04-07 02:00:05.000001+00' + to_seconds(i) AS ts,
    'request' AS type,
    'r' || i AS request_id,
    i::INTEGER AS message_count,
    CASE WHEN i = 3 THEN 'use {KEY}' WHEN i = 4 THEN NULL ELSE 'plain' END AS user_question,
    '[{{"name":"sql","arguments":"SECRET ''a' || i || '''"}}]' AS tool_calls_text,
    ('[{{"name":"sql","arguments":"' || CASE WHEN i = 5 THEN '{KEY}' ELSE 'x' END || '"}}]')::JSON AS tool_calls,
    ('{{"total_tokens":' || i || ',"cost":0.10}}')::JSON AS tokens,
    '{{"type":"request","content":"' || CASE WHEN i = 6 THEN '{KEY}' ELSE 'y' END || '"}}' AS entry,
    CASE WHEN i = 7 THEN ['a', '{KEY}'] WHEN i = 8 THEN NULL ELSE ['b'] END AS "odd name",
    {{'k': CASE WHEN i = 9 THEN '{KEY}' ELSE 'c' END, 'n': 1.5}} AS pair,
    true AS stream
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "2026-04-07.parquet"
    duckdb.execute(
        f"COPY (SELECT {COLUMNS} FROM range(5000) r(i)) TO '{path}'"
        " (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 2048, KV_METADATA {made_by: 'it''s us'})"
    )
    return path


def query(text, *paths):
    return duckdb.execute(text, [str(path) for path in paths]).fetchall()


def scrub(source, target, *keys):
    redaction = Redaction(Scrubber(keys or (KEY,)))
    return scrub_parquet(source, target, redaction), redaction


def test_columns_types_order_and_everything_else_stay(file, tmp_path):
    target = tmp_path / "scrubbed"
    rows, redaction = scrub(file, target)
    assert rows == 5000
    assert redaction.places == {
        "user_question": 1,
        "tool_calls_text[].arguments": 5000,
        "tool_calls[].arguments": 1,
        "entry.content": 1,
        "odd name[]": 1,
        "pair.k": 1,
    }
    for told in (
        "DESCRIBE FROM read_parquet(?)",
        "SELECT list(request_id ORDER BY file_row_number) FROM read_parquet(?, file_row_number = true)",
        'SELECT * EXCLUDE (user_question, tool_calls_text, tool_calls, entry, "odd name", pair) REPLACE (ts::VARCHAR AS ts) FROM read_parquet(?)',
        "SELECT key, value FROM parquet_kv_metadata(?)",
        "SELECT row_group_num_rows, path_in_schema, compression FROM parquet_metadata(?)",
        'SELECT user_question, tool_calls, entry, "odd name", pair FROM read_parquet(?) WHERE message_count NOT IN (3, 5, 6, 7, 9)',
    ):
        assert query(told, file) == query(told, target), told
    assert KEY.encode() not in target.read_bytes()
    left = 'SELECT user_question, tool_calls, entry, "odd name", pair FROM read_parquet(?) WHERE message_count IN (3, 5, 6, 7, 9)'
    assert [row[at] for at, row in enumerate(query(left, target))] == [
        "use [REDACTED]",
        '[{"name":"sql","arguments":"[REDACTED]"}]',
        '{"type":"request","content":"[REDACTED]"}',
        ["a", "[REDACTED]"],
        {"k": "[REDACTED]", "n": pytest.approx(1.5)},
    ]


def test_twice_is_once(file, tmp_path):
    scrub(file, tmp_path / "once")
    assert scrub(tmp_path / "once", tmp_path / "twice")[0] == 0


def test_what_the_proxy_says_of_itself_stays(file, tmp_path):
    assert scrub(file, tmp_path / "scrubbed", "request")[1].places == {"tool_calls_text[].arguments": 5000}


def test_an_older_file_of_five_columns_and_none_of_rows(tmp_path):
    path = tmp_path / "old.parquet"
    duckdb.execute(
        f"COPY (SELECT now() AS ts, 'request' AS type, 'a' AS request_id, 'o' AS origin, '{{\"x\":\"{KEY}\"}}' AS entry)"
        f" TO '{path}' (FORMAT parquet)"
    )
    assert scrub(path, tmp_path / "scrubbed")[0] == 1
    duckdb.execute(f"COPY (SELECT 'a' AS entry WHERE false) TO '{path}' (FORMAT parquet)")
    assert scrub(path, tmp_path / "none")[0] == 0


def test_what_is_no_parquet(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(duckdb.Error):
        scrub(tmp_path / "x.parquet", tmp_path / "scrubbed")
