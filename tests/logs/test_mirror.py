import pytest

from open_llm_proxy.config.problems import ConfigError
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.bucket import Bucket
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.mirror import for_writing, open_from, open_one, open_to

READERS = {"LOGS_READ_KEY": "reader", "LOGS_READ_SECRET": "r", "LOGS_READ_ENDPOINT": "http://127.0.0.1:9"}
PROXYS = {
    "AWS_ACCESS_KEY_ID": "proxy",
    "AWS_SECRET_ACCESS_KEY": "p",
    "AWS_S3_ENDPOINT_URL": "http://127.0.0.1:8",
    "LOG_BUCKET": "logs-x",
}
SECOND = {
    "RUSTFS_KEY": "second",
    "RUSTFS_SECRET": "s",
    "RUSTFS_ENDPOINT": "http://127.0.0.1:1",
    "RUSTFS_BUCKET": "logs-y",
}


def opened(source):
    assert isinstance(source, Bucket)
    return source.url, source.options.access_key_id, source.options.s3_endpoint


def test_it_reads_with_the_readers_credentials_and_writes_with_the_proxys():
    environ = READERS | PROXYS | SECOND
    assert opened(open_from("s3://a/b", environ)) == ("s3://a/b", "reader", "http://127.0.0.1:9")
    assert opened(open_to("s3://a/b", environ)) == ("s3://a/b", "proxy", "http://127.0.0.1:8")
    assert opened(open_from("store:", environ)) == ("s3://logs-x", "reader", "http://127.0.0.1:9")
    assert opened(open_to("rustfs:", environ)) == ("s3://logs-y", "second", "http://127.0.0.1:1")
    assert opened(open_from("rustfs:", environ)) == ("s3://logs-y", "second", "http://127.0.0.1:1")
    assert opened(open_to("s3://a", READERS)) == ("s3://a", "reader", "http://127.0.0.1:9")


def test_folders(tmp_path):
    assert isinstance(open_from(str(tmp_path), {}), Folder)
    assert open_to(str(tmp_path / "new"), {}).url == str(tmp_path / "new")
    with pytest.raises(UserError, match="There is no folder"):
        open_from(str(tmp_path / "new"), {})


def test_without_a_second_store_there_is_nothing_to_do():
    assert open_to("rustfs:", PROXYS | {"RUSTFS_BUCKET": "logs-y", "RUSTFS_KEY": ""}) is None


def test_half_a_second_store_is_a_mistake():
    with pytest.raises(UserError, match=r"in part: RUSTFS_SECRET, RUSTFS_BUCKET not set"):
        open_to("rustfs:", {"RUSTFS_KEY": "k", "RUSTFS_ENDPOINT": "http://127.0.0.1:1"})
    with pytest.raises(ConfigError, match="RUSTFS_ENDPOINT"):
        open_to("rustfs:", SECOND | {"RUSTFS_ENDPOINT": "nonsense"})


def test_what_cannot_be_reached_says_whose_variables_are_wrong():
    with pytest.raises(UserError, match="RUSTFS_ENDPOINT"):
        open_to("rustfs:", SECOND).list()
    with pytest.raises(UserError, match="AWS_S3_ENDPOINT_URL to a user that may write"):
        open_to("s3://a", PROXYS | {"AWS_S3_ENDPOINT_URL": "http://127.0.0.1:1"}).list()
    with pytest.raises(UserError, match="LOGS_READ_ENDPOINT"):
        open_from("s3://a", READERS | {"LOGS_READ_ENDPOINT": "http://127.0.0.1:1"}).list()


def test_who_writes_does_not_see_the_readers_variables():
    assert for_writing(READERS | PROXYS) == PROXYS
    assert for_writing(READERS) == READERS


def test_one_place_is_condensed(tmp_path):
    assert open_one(str(tmp_path), None, {}).url == str(tmp_path)
    assert opened(open_one(None, "s3://a", READERS | PROXYS))[1] == "proxy"
    with pytest.raises(UserError, match="name two places"):
        open_one(str(tmp_path), "s3://a", {})
