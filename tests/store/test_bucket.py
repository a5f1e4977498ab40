import contextlib
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme
from tests.parts.rgw import SECRET, run_rgw
from tests.parts.s3_server import run_s3_server

from open_llm_proxy.errors import UserError
from open_llm_proxy.store.bucket import _place, create_bucket
from open_llm_proxy.store.connect import StoreOptions
from open_llm_proxy.store.faults import diagnose_text

MISSING = (404, "NoSuchBucket")


class Store(BaseHTTPRequestHandler):
    """Answers a listing and the creation as the test says."""

    def do_GET(self):
        self._answer(self.server.listing)

    def do_PUT(self):
        self.server.puts.append(self.path)
        self._answer(self.server.creation)

    def _answer(self, told):
        status, code = told
        body = f"<Error><Code>{code}</Code></Error>".encode() if code else b"<ListBucketResult/>"
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(tls=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    server.listing, server.creation, server.puts = MISSING, (200, None), []
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    server.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store():
    with serving() as server:
        yield server


def options_of(endpoint, **more):
    return StoreOptions(s3_endpoint=endpoint, access_key_id="key", secret_access_key="secret", **more)


def test_a_bucket_is_made_path_style_without_the_prefix(store):
    assert create_bucket("s3://logs-x/some/prefix", options_of(store.url)) == "created"
    (put,) = store.puts
    assert put.startswith("/logs-x/?X-Amz-Algorithm=AWS4-HMAC-SHA256&")


@pytest.mark.parametrize(
    ("listing", "creation"),
    [((200, None), (500, None)), (MISSING, (409, "BucketAlreadyOwnedByYou"))],
    ids=["it can be listed", "the store says so"],
)
def test_one_that_is_there_is_good(store, listing, creation):
    store.listing, store.creation = listing, creation
    assert create_bucket("s3://logs-x", options_of(store.url)) == "was there already"
    assert len(store.puts) == (listing == MISSING)


@pytest.mark.parametrize(
    ("listing", "creation", "told"),
    [
        ((403, "AccessDenied"), (409, "BucketAlreadyExists"), "belongs to somebody else.*Set LOG_BUCKET"),
        ((403, "InvalidAccessKeyId"), (200, None), "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (MISSING, (403, "AccessDenied"), "AccessDenied, 403 Forbidden.*may create buckets"),
        (MISSING, (403, "SignatureDoesNotMatch"), "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (MISSING, (400, "InvalidBucketName"), "Set LOG_BUCKET .*3 to 63"),
        (MISSING, (403, "RequestTimeTooSkewed"), "clock"),
        (MISSING, (409, "OperationAborted"), "OperationAborted, 409 Conflict"),
        ((503, "SlowDown"), (200, None), "fewer requests"),
    ],
)
def test_a_refusal_says_what_to_set(store, listing, creation, told):
    store.listing, store.creation = listing, creation
    with pytest.raises(UserError, match=told) as caught:
        create_bucket("s3://logs-x", options_of(store.url))
    assert store.url in str(caught.value)
    assert "secret" not in str(caught.value).replace("AWS_SECRET", "")


def test_a_store_that_is_down():
    with pytest.raises(UserError, match="AWS_S3_ENDPOINT_URL"):
        create_bucket("s3://logs-x", options_of("http://127.0.0.1:9"))


def test_a_store_that_goes_away_between_the_two_requests(monkeypatch):
    monkeypatch.setattr("open_llm_proxy.store.bucket._look", lambda _: diagnose_text(": 404 "))
    with pytest.raises(UserError, match="AWS_S3_ENDPOINT_URL"):
        create_bucket("s3://logs-x", options_of("http://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (StoreOptions(), None),
        (StoreOptions(region="eu-west-1", s3_endpoint="http://store"), None),
        (StoreOptions(region="eu-west-1"), b"<LocationConstraint>eu-west-1</LocationConstraint>"),
    ],
)
def test_aws_is_told_the_region_where_it_must_be(options, place):
    told = _place(options)
    assert told is place is None or place in told


def test_an_authority_of_one_s_own(tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with serving(context) as server:
        options = options_of(server.url, ca_file=str(tmp_path / "ca.pem"))
        assert create_bucket("s3://logs-x", options) == "created"
        with pytest.raises(UserError, match="ca_file"):
            create_bucket("s3://logs-x", options_of(server.url))


@pytest.mark.parametrize("form", ["file://{}", "{}"])
def test_a_folder(tmp_path, form):
    url = form.format(tmp_path / "some" / "logs")
    assert create_bucket(url, StoreOptions()) == "created"
    assert (tmp_path / "some" / "logs").is_dir()
    assert create_bucket(url, StoreOptions()) == "was there already"


def test_other_clouds_make_theirs(monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    with pytest.raises(UserError, match="provider's own tools"):
        create_bucket("az://logs-x", StoreOptions())


def test_a_light_server(tmp_path):
    with run_s3_server(tmp_path) as server:
        options = options_of(server.endpoint)
        assert create_bucket("s3://logs-made", options) == "created"
        assert create_bucket("s3://logs-made", options) == "was there already"


@pytest.mark.slow
def test_ceph(tmp_path):
    with run_rgw(tmp_path) as rgw:
        bucket = rgw.door("logs-made", tls=True)
        keys = bucket.environment()
        options = StoreOptions(
            s3_endpoint=bucket.endpoint,
            access_key_id=keys["AWS_ACCESS_KEY_ID"],
            secret_access_key=SECRET,
            ca_file=str(rgw.authority),
        )
        assert create_bucket("s3://logs-made", options) == "created"
        assert create_bucket("s3://logs-made", options) == "was there already"
        wrong = StoreOptions(s3_endpoint=rgw.endpoint, access_key_id=keys["AWS_ACCESS_KEY_ID"], secret_access_key="no")
        with pytest.raises(UserError, match="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
            create_bucket("s3://logs-other", wrong)
