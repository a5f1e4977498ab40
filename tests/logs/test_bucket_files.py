import io

import duckdb
import pytest

from open_llm_proxy.logs.bucket_files import READ_BYTES, BucketFiles


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
        lambda _, key: asked.append(key) or {"size": 2, "last_modified": None},
    )
    assert [files.size(bucket.path("a")) for _ in range(3)] == [2, 2, 2]
    assert len(asked) == 1
    monkeypatch.setattr("open_llm_proxy.logs.bucket_files.KNOWN_S", 0)
    files.size(bucket.path("a"))
    assert len(asked) == 2
