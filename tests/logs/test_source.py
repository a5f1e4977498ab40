from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from open_llm_proxy.config.problems import ConfigError
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.source import Bucket, Folder, open_source, sources_of

KEYS = {"AWS_ACCESS_KEY_ID": "proxy", "AWS_SECRET_ACCESS_KEY": "proxys"}
READERS = {"LOGS_READ_KEY": "reader", "LOGS_READ_SECRET": "readers"}


@pytest.fixture(params=["folder", "bucket"])
def source(request, tmp_path):
    return Folder(tmp_path / "logs") if request.param == "folder" else request.getfixturevalue("bucket")


class TestEverySource:
    def test_what_is_written_is_listed_and_read(self, source, tmp_path):
        local = tmp_path / "local"
        local.write_bytes(b"from a file")
        source.write("sessions/daily/2026-11-25.parquet", local)
        source.write("2026-11-25/b.jsonl", b"b")
        source.write("2026-11-25/a.jsonl", b"aa")
        listed = source.list()
        keys = ["2026-11-25/a.jsonl", "2026-11-25/b.jsonl", "sessions/daily/2026-11-25.parquet"]
        assert [one.key for one in listed] == keys
        assert [one.size for one in listed] == [2, 1, 11]
        assert all(abs(one.modified - datetime.now(UTC)) < timedelta(minutes=1) for one in listed)
        assert [one.key for one in source.list("sessions/daily/")] == keys[2:]
        assert source.folders() == ("2026-11-25", "sessions")
        assert source.folders("sessions/") == ("daily",)
        assert source.read(keys[2]) == b"from a file"

    def test_a_listing_may_begin_behind_a_name(self, source):
        for key in ("2026-11-24/a.jsonl", "2026-11-24/b.jsonl", "2026-11-24/c.jsonl", "2026-11-25/a.jsonl"):
            source.write(key, b"{}\n")
        after = source.list("2026-11-24/", after="2026-11-24/a.jsonl")
        assert [file.key for file in after] == ["2026-11-24/b.jsonl", "2026-11-24/c.jsonl"]
        assert [file.key for file in source.list("2026-11-24/", after="2026-11-24/b")] == [file.key for file in after]

    def test_a_prefix_is_whole_names(self, source):
        source.write("2026-11-25/a.jsonl", b"")
        assert source.list("2026-11-2") == []
        assert source.list("2026-11-26/") == []

    def test_a_file_is_replaced_copied_out_and_removed(self, source, tmp_path):
        source.write("x/a", b"1")
        source.write("x/a", b"2")
        source.copy_out("x/a", tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == b"2"
        source.delete(["x/a", "x/none"])
        assert source.list() == []
        with pytest.raises(FileNotFoundError):
            source.read("x/a")
        with pytest.raises(FileNotFoundError):
            source.copy_out("x/a", tmp_path / "out")


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_flags_win_and_add_up(tmp_path):
    found = sources_of(str(tmp_path), "s3://other/prefix", {"LOGS_BUCKET": "readers", "LOGS_DIR": "/x"})
    assert [one.url for one in found] == [str(tmp_path), "s3://other/prefix"]
    assert [type(one) for one in found] == [Folder, Bucket]


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "logs"),
        ({"LOG_DIR": "theirs"}, "theirs"),
        ({"LOG_DIR": "theirs", **KEYS}, "s3://logs-open-llm-proxy"),
        ({"LOG_BUCKET": "b", **KEYS}, "s3://b"),
        ({"LOG_BUCKET": "b"}, "logs"),
        ({"LOG_STORE": "gs://b/p", "LOG_BUCKET": "c", "GOOGLE_SKIP_SIGNATURE": "true"}, "gs://b/p"),
        ({"LOG_STORE": "s3a://b/p", **KEYS}, "s3://b/p"),
        ({"LOG_STORE": "file:///some%20where"}, "/some where"),
        ({"LOGS_DIR": "ours", "LOG_DIR": "theirs", **KEYS}, "ours"),
        ({"LOGS_BUCKET": "ours", "LOGS_DIR": "x", **KEYS}, "s3://ours"),
        ({**READERS}, "s3://logs-open-llm-proxy"),
        ({**READERS, "LOG_BUCKET": "b"}, "s3://b"),
        ({"LOGS_DIR": "  "}, "logs"),
    ],
)
def test_the_readers_variables_come_before_the_proxys(environ, url):
    (found,) = sources_of(None, None, environ)
    assert found.url == (url if ":" in url or url.startswith("/") else str(Path.cwd() / url))


def test_a_readers_credential_is_never_mixed_with_the_proxys():
    (found,) = sources_of(
        None, None, {**KEYS, **READERS, "LOG_BUCKET": "b", "LOGS_READ_ENDPOINT": "https://rgw.example/"}
    )
    assert (found.options.access_key_id, found.options.secret_access_key) == ("reader", "readers")
    assert found.options.s3_endpoint == "https://rgw.example"
    with pytest.raises(UserError, match="LOGS_READ_KEY is set and LOGS_READ_SECRET is not"):
        sources_of(None, "s3://b", {**KEYS, "LOGS_READ_KEY": "reader"})


def test_the_endpoint_is_the_proxys_default_only_for_the_proxys_bucket():
    default = "http://rook-ceph-rgw-nautiluss3.rook"
    assert sources_of(None, None, {"LOGS_BUCKET": "b", **READERS})[0].options.s3_endpoint == default
    assert sources_of(None, None, KEYS)[0].options.s3_endpoint == default
    assert sources_of(None, "s3://b", KEYS)[0].options.s3_endpoint is None
    assert sources_of(None, "s3://b", {"AWS_S3_ENDPOINT_URL": "http://x"})[0].options.s3_endpoint == "http://x"


def test_without_any_credential_a_bucket_is_read_as_anybody_may():
    assert sources_of(None, "s3://b", {})[0].options.anonymous
    assert not sources_of(None, "s3://b", {"AWS_PROFILE": "p"})[0].options.anonymous
    assert not sources_of(None, "s3://b", KEYS)[0].options.anonymous


def test_mistakes_are_said():
    with pytest.raises(UserError, match="no folder none"):
        sources_of("none", None, {})
    with pytest.raises(ConfigError, match="LOGS_READ_ENDPOINT"):
        sources_of(None, "s3://b", {"LOGS_READ_ENDPOINT": "no url"})
    with pytest.raises(UserError, match="placeholder"):
        sources_of(None, None, {"LOG_BUCKET": "logs-<ns>", **KEYS})


def test_one_place(tmp_path):
    assert open_source(str(tmp_path), {}).url == str(tmp_path)
    assert open_source("s3://b/p", KEYS).options.access_key_id == "proxy"
    with pytest.raises(ConfigError):
        open_source("s3://b/p", {"AWS_S3_ENDPOINT_URL": "no url"})
