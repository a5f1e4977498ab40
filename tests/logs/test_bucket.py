import pytest
from tests.parts.ports import free_port

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.bucket import Bucket
from open_llm_proxy.store.connect import StoreOptions


def test_a_store_that_is_not_there_says_which_variable_to_set():
    options = StoreOptions(
        s3_endpoint=f"http://127.0.0.1:{free_port()}", access_key_id="a", secret_access_key="b", timeout_s=5
    )
    with pytest.raises(UserError, match=r"LOGS_READ_ENDPOINT.*only inside the cluster"):
        Bucket("s3://logs", options).list()


def test_a_bucket_that_is_not_there_says_which_variable_to_set(s3_server):
    options = StoreOptions(s3_endpoint=s3_server.endpoint, access_key_id="a", secret_access_key="b")
    with pytest.raises(UserError, match="LOGS_BUCKET"):
        Bucket("s3://no-such-bucket", options).list()


def test_its_url_has_no_slash_at_the_end():
    assert Bucket("s3://logs/some/prefix/", StoreOptions()).url == "s3://logs/some/prefix"
    assert Bucket("s3://logs/", StoreOptions()).path("a/b") == "s3://logs/a/b"
