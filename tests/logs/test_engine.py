import os

import duckdb
import pytest

from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.folder import Folder


def test_times_are_utc_and_nothing_is_downloaded():
    connection = connect(())
    assert connection.sql("SELECT current_setting('TimeZone')").fetchone() == ("UTC",)
    with pytest.raises(duckdb.Error, match="httpfs"):
        connection.sql("SELECT * FROM read_csv('https://example.org/x.csv')")


def test_each_source_can_be_read(bucket, tmp_path):
    folder = Folder(tmp_path)
    for source in (folder, bucket):
        source.write("a.jsonl", b'{"x": 1}\n')
    connection = connect((folder, bucket))
    paths = [folder.path("a.jsonl"), bucket.path("a.jsonl")]
    assert connection.execute("SELECT sum(x) FROM read_ndjson($1)", [paths]).fetchone() == (2,)


def test_memory_threads_and_spill_are_bounded(tmp_path):
    connection = connect((), memory_bytes=300_000_000, threads=1, spill=tmp_path / "spill")
    names = "current_setting('memory_limit'), current_setting('threads'), current_setting('temp_directory')"
    assert connection.sql(f"SELECT {names}").fetchone() == ("286.1 MiB", 1, os.fspath(tmp_path / "spill"))
