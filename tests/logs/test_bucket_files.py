import io

import duckdb
import pytest

from open_llm_proxy.logs.bucket import Bucket
from open_llm_proxy.logs.bucket_files import READ_BYTES, BucketFiles
from open_llm_proxy.logs.engine import connect


@pytest.fixture
def files(bucket):
    return BucketFiles("s3", [bucket])


def test_any_read_gives_what_the_file_holds(bucket, files):
    data = bytes(range(256)) * 4096
    bucket.write("some/file", data)
    with files.open(bucket.path("some/file")) as file:
        assert file.read(3) == data[:3]
        assert file.seek(-8, io.SEEK_END) == len(data) - 8
        assert file.read() == data[-8:]
        file.seek(READ_BYTES - 2)
        file.seek(1, io.SEEK_CUR)
        assert file.read(5) == data[READ_BYTES - 1 : READ_BYTES + 4]
        file.seek(0)
        assert file.read() == data
        assert file.read(1) == b""


def test_it_can_only_be_read(bucket, files):
    with pytest.raises(io.UnsupportedOperation):
        files.open(bucket.path("x"), "wb")


def test_a_missing_file_is_missing(bucket, files):
    assert not files.exists(bucket.path("none"))
    with pytest.raises(FileNotFoundError):
        files.open(bucket.path("none"))
    with pytest.raises(FileNotFoundError, match="in no bucket that was named"):
        files.open("s3://another-bucket/x")


def test_duckdb_finds_files_by_a_pattern(bucket, files):
    for day in ("2026-11-25", "2026-11-26"):
        bucket.write(f"{day}/a.jsonl", b'{"x": 1}\n')
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.register_filesystem(files)
    found = connection.sql(f"SELECT count(*), max(filename) FROM read_ndjson('{bucket.path('2026-11-*/*.jsonl')}')")
    assert found.fetchall() == [(2, bucket.path("2026-11-26/a.jsonl"))]


def test_a_store_is_asked_once_about_a_file(bucket, files, monkeypatch):
    bucket.write("a", b"12")
    asked = []
    monkeypatch.setattr(
        "open_llm_proxy.logs.bucket_files.obstore.head",
        lambda _, key: asked.append(key) or {"size": 2, "last_modified": None, "e_tag": None},
    )
    assert [files.size(bucket.path("a")) for _ in range(3)] == [2, 2, 2]
    assert len(asked) == 1
    monkeypatch.setattr("open_llm_proxy.logs.bucket_files.KNOWN_S", 0)
    files.size(bucket.path("a"))
    assert len(asked) == 2


def put_table(bucket, value, folder):
    """A Parquet file of one size, whatever the value."""
    local = folder / "t.parquet"
    duckdb.connect().execute(f"COPY (SELECT {value} AS value FROM range(9)) TO '{local}' (FORMAT parquet)")
    bucket.write("consolidated/daily/2026-11-25.parquet", local)


def test_a_replaced_file_is_read_anew_in_the_same_connection(bucket, tmp_path):
    connection = connect([bucket])
    other = Bucket(bucket.url, bucket.options)  # another process writes: nothing tells ours
    query = f"SELECT max(value) FROM read_parquet('{bucket.path('consolidated/daily/2026-11-25.parquet')}')"
    for value in (1, 2, 3):
        put_table(other, value, tmp_path)
        bucket.expire()
        assert connection.sql(query).fetchall() == [(value,)]
        assert connection.sql(query).fetchall() == [(value,)]


def test_what_is_read_again_comes_from_memory(bucket, tmp_path, monkeypatch):
    put_table(bucket, 1, tmp_path)
    connection = connect([bucket])
    query = f"SELECT max(value) FROM read_parquet('{bucket.path('consolidated/daily/2026-11-25.parquet')}')"
    connection.sql(query).fetchall()
    monkeypatch.setattr("open_llm_proxy.logs.bucket_files.obstore.get", lambda *_, **__: pytest.fail("fetched again"))
    assert connection.sql(query).fetchall() == [(1,)]


def test_a_file_that_is_replaced_while_it_is_read_is_no_mixture(bucket, files, tmp_path):
    bucket.write("a", b"1" * READ_BYTES * 3)
    with files.open(bucket.path("a")) as file:
        file.read(1)
        Bucket(bucket.url, bucket.options).write("a", b"2" * READ_BYTES * 3)
        file.seek(READ_BYTES * 2)
        with pytest.raises(FileNotFoundError, match="was replaced"):
            file.read(1)
    assert files.open(bucket.path("a")).read(1) == b"2"
