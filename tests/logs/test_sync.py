import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.stored import Stored
from open_llm_proxy.logs.sync import differs, sync

RAW, TABLE = "2026-11-01/12-00-00-h-1-00ff.1.1.jsonl", "consolidated/daily/2026-10-31.parquet"
FILES = {RAW: b"{}\n", "2026-11-01/12-00-00-17.jsonl": b"{}\n", TABLE: b"PAR1", "unreadable/2026-11-01/x.txt": b"?"}


@pytest.fixture
def here(tmp_path):
    made = Folder(tmp_path / "here")
    for key, data in FILES.items():
        made.write(key, data)
    made.write("notes.txt", b"not ours")
    return made


@pytest.fixture
def there(tmp_path):
    return Folder(tmp_path / "there")


def contents(source):
    return {file.key: source.read(file.key) for file in source.list()}


def test_everything_of_ours_then_only_what_changed(here, there):
    told = []
    first = sync(here, there, watch=told.append)
    assert sorted(first.copied) == sorted(FILES)
    assert contents(there) == FILES
    assert (told[-1].done_bytes, told[-1].total_bytes, len(told)) == (
        first.copied_bytes,
        first.copied_bytes,
        len(FILES),
    )
    assert sync(here, there)[:4] == ([], 0, len(FILES), 0)
    here.write(TABLE, b"PAR2")
    here.write("2026-11-02/a.jsonl", b"{}\n")
    assert sync(here, there).copied == ["2026-11-02/a.jsonl", TABLE]
    assert there.read(TABLE) == b"PAR2"


def test_a_dry_run_copies_nothing(here, there):
    assert len(sync(here, there, dry_run=True).copied) == len(FILES)
    assert there.list() == []


def test_between_a_folder_and_a_bucket_and_back(here, bucket, there):
    assert len(sync(here, bucket).copied) == len(FILES)
    assert sync(here, bucket).copied == []
    assert len(sync(bucket, there).copied) == len(FILES)
    assert contents(there) == FILES
    assert sync(bucket, there).copied == []
    here.write(TABLE, b"PAR3")
    assert sync(here, bucket).copied == [TABLE]


def test_between_two_buckets(here, bucket, s3_server):
    from open_llm_proxy.logs.bucket import Bucket

    second = Bucket(f"s3://{s3_server.bucket().name}", bucket.options)
    sync(here, bucket)
    assert len(sync(bucket, second).copied) == len(FILES)
    assert contents(second) == FILES
    assert sync(bucket, second).copied == []


def test_a_file_that_fails_is_named_and_stops_no_other(here, there, monkeypatch):
    real = there.write
    monkeypatch.setattr(there, "write", lambda key, data: real(key, data) if key != RAW else there._refuse())
    monkeypatch.setattr(there, "_refuse", lambda: (_ for _ in ()).throw(OSError("no room")), raising=False)
    outcome = sync(here, there, prune=True)
    assert [tuple(failure) for failure in outcome.failed] == [(RAW, "no room")]
    assert len(outcome.copied) == len(FILES) - 1


def test_a_file_that_is_condensed_meanwhile_is_no_failure(here, there, monkeypatch):
    listed = here.list()
    here.delete([RAW])
    monkeypatch.setattr(here, "list", lambda *_: listed)
    outcome = sync(here, there)
    assert (outcome.failed, outcome.gone, RAW in outcome.copied) == ([], 1, False)


def test_tables_of_one_size_without_hashes_are_told_apart_by_their_times(bucket):
    def table(hour, etag):
        return Stored(TABLE, 4, datetime(2026, 1, 1, hour, tzinfo=UTC), etag)

    assert not differs(bucket, table(2, '"x-2"'), bucket, table(3, '"y-2"'))
    assert differs(bucket, table(3, '"x-2"'), bucket, table(2, '"y-2"'))
    same = f'"{"0" * 32}"'
    assert not differs(bucket, table(3, same), bucket, table(2, same))
    assert differs(bucket, table(2, f'"{"1" * 32}"'), bucket, table(3, same))


def test_what_is_left_of_a_copy_that_was_cut_off_is_never_a_file(here, there, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert len(sync(here, there).failed) == len(FILES)
    assert list(Path(there.url).rglob("*.jsonl")) == []
