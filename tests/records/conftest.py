"""Frames as the proxy writes them, and the records made of them as a reader of the line sees them."""

import json

import pytest

from open_llm_proxy.records.build import Context, build_request, build_response, encode
from open_llm_proxy.spool.frame import Frame, RequestHeader, ResponseHeader

AT_NS = 1_790_000_000_123_456_789
REQUEST_ID = "18eaeffcf63aa56c98ccfc2112caf76c"


def as_body(body) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.fixture
def request_frame():
    """Makes a request's frame of a body (bytes, or what is dumped as JSON) and header fields."""

    def make(body, endpoint="/v1/chat/completions", **fields) -> Frame:
        raw = as_body(body)
        header = {"total_bytes": len(raw), "content_type": "application/json"} | fields
        return Frame(RequestHeader(REQUEST_ID, AT_NS, endpoint, "nrp", "kimi", "default", **header), raw)

    return make


@pytest.fixture
def response_frame():
    """Makes a response's frame of a body (bytes, or what is dumped as JSON) and header fields."""

    def make(body, endpoint="/v1/chat/completions", **fields) -> Frame:
        raw = as_body(body)
        header = {
            "status": 200,
            "provider_status": fields.get("status", 200),
            "content_type": "application/json",
            "total_bytes": len(raw),
            "attempts": 1,
        } | fields
        return Frame(ResponseHeader(REQUEST_ID, AT_NS, endpoint, "nrp", "kimi", "default", **header), raw)

    return make


@pytest.fixture
def read_request(request_frame):
    """The request record of a body, read back from its line; ``context`` fields are those of ``Context``."""

    def read(body, *, context=None, **fields):
        built = build_request(request_frame(body, **fields), Context(**(context or {})))
        return json.loads(encode(built.record))

    return read


@pytest.fixture
def read_response(response_frame):
    """The response record of a body, read back from its line."""

    def read(body, *, context=None, **fields):
        return json.loads(encode(build_response(response_frame(body, **fields), Context(**(context or {})))))

    return read
