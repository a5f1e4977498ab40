import http.server
import threading
import time

import pytest

from open_llm_proxy.errors import UserError
from open_llm_proxy.recorder.sinks import SinkError
from open_llm_proxy.recorder.sinks.object_store import ObjectStoreSink
from open_llm_proxy.store.connect import StoreOptions, connect


class Bucket:
    """A store that answers a put as the test says."""

    def __init__(self):
        self.status, self.code, self.delay_s = 200, None, 0.0
        self.objects = {}
        bucket = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self):
                data = self.rfile.read(int(self.headers["content-length"]))
                time.sleep(bucket.delay_s)
                body = b""
                if bucket.status == 200:
                    bucket.objects[self.path] = data
                elif bucket.code:
                    body = (
                        f"<?xml version='1.0'?><Error><Code>{bucket.code}</Code><Message>…</Message></Error>".encode()
                    )
                self.send_response(bucket.status)
                self.send_header("content-length", str(len(body)))
                self.send_header("etag", '"x"')
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # a client that did not wait
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def bucket():
    made = Bucket()
    yield made
    made.close()


def sink_to(endpoint, **more):
    options = StoreOptions(s3_endpoint=endpoint, access_key_id="a", secret_access_key="b", **more)
    return ObjectStoreSink(lambda: connect("s3://logs/pre", options), "s3://logs/pre")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "chunk"
    path.write_bytes(b'{"a":1}\n')
    return path


def test_a_file_is_put_whole_below_the_prefix(bucket, file):
    sink_to(bucket.url).put("2026-11-25/x.jsonl", file)
    assert bucket.objects == {"/logs/pre/2026-11-25/x.jsonl": b'{"a":1}\n'}


@pytest.mark.parametrize(
    ("status", "code", "fault", "told"),
    [
        (404, "NoSuchBucket", "bucket", "logs init"),
        (404, None, "bucket", "404 Not Found"),
        (301, None, "bucket", "LOG_BUCKET"),
        (403, "InvalidAccessKeyId", "credentials", "AWS_ACCESS_KEY_ID.*InvalidAccessKeyId"),
        (403, "SignatureDoesNotMatch", "credentials", "SignatureDoesNotMatch, 403 Forbidden"),
        (403, "AccessDenied", "credentials", "lack this right"),
        (403, None, "credentials", "403 Forbidden"),
        (403, "RequestTimeTooSkewed", "clock", "set the clock right"),
        (503, "SlowDown", "throttled", "fewer requests"),
        (429, None, "throttled", "429 Too Many Requests"),
        (507, "QuotaExceeded", "full", "quota"),
        (502, None, "unreachable", "502 Bad Gateway"),
        (500, "InternalError", "other", "InternalError"),
        (400, "EntityTooLarge", "other", "EntityTooLarge"),
    ],
)
def test_refusals_are_told_apart_in_one_line(bucket, file, status, code, fault, told):
    bucket.status, bucket.code = status, code
    with pytest.raises(SinkError, match=told) as caught:
        sink_to(bucket.url).put("2026-11-25/x.jsonl", file)
    assert caught.value.fault == fault
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_store_that_is_too_slow(bucket, file):
    bucket.delay_s = 1.0
    with pytest.raises(SinkError, match="in time") as caught:
        sink_to(bucket.url, timeout_s=0.2).put("2026-11-25/x.jsonl", file)
    assert caught.value.fault == "slow"


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [("http://127.0.0.1:9", "Connection refused"), ("http://no-such-host.invalid", "lookup")],
    ids=["refused", "name"],
)
def test_a_store_that_is_down(file, endpoint, told):
    with pytest.raises(SinkError, match=told) as caught:
        sink_to(endpoint).put("2026-11-25/x.jsonl", file)
    assert caught.value.fault == "unreachable"


def test_tls_where_there_is_none(bucket, file):
    with pytest.raises(SinkError) as caught:
        sink_to(bucket.url.replace("http:", "https:")).put("2026-11-25/x.jsonl", file)
    assert caught.value.fault == "unreachable"


def test_a_store_that_cannot_be_opened_is_tried_again_at_each_put(bucket, file):
    tries = []

    def fail_once():
        tries.append(1)
        if len(tries) == 1:
            raise UserError("The store is none", "Correct it")
        return connect("s3://logs", StoreOptions(s3_endpoint=bucket.url, access_key_id="a", secret_access_key="b"))

    sink = ObjectStoreSink(fail_once, "s3://logs")
    with pytest.raises(SinkError, match="The store is none"):
        sink.put("x", file)
    sink.put("x", file)
    sink.put("y", file)
    assert len(tries) == 2
    assert set(bucket.objects) == {"/logs/x", "/logs/y"}


def test_a_folder_by_its_url(tmp_path, file):
    sink = ObjectStoreSink(lambda: connect(f"file://{tmp_path}/logs"), "file")
    sink.put("2026-11-25/x.jsonl", file)
    sink.put("2026-11-25/x.jsonl", file)
    assert [path.read_bytes() for path in (tmp_path / "logs").rglob("*.jsonl")] == [b'{"a":1}\n']
