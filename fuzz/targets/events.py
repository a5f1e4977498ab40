"""An answer's body of any API, compressed or not, as a stream or plain: a record comes of it, whatever it holds."""

import msgspec

from open_llm_proxy.records.build import Context, build_request, build_response, encode
from open_llm_proxy.spool.frame import Frame, RequestHeader, ResponseHeader

CONTEXT = Context(capture_mode="full", secrets=("sk-planted-0123456789",), host="h", proxy_version="v")
ENDPOINTS = ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions", "/v1/embeddings", "/v1/images")
TYPES = ("application/json", "text/event-stream", None, "audio/mpeg", 'multipart/form-data; boundary="x"')
ENCODINGS = (None, "gzip", "deflate", "br", "zstd", "identity", "odd")


def check(data: bytes) -> None:
    """Three bytes choose the API, the content type and the coding; the rest is the body."""
    if len(data) < 3:
        return
    endpoint = ENDPOINTS[data[0] % len(ENDPOINTS)]
    content_type = TYPES[data[1] % len(TYPES)]
    encoding = ENCODINGS[data[2] % len(ENCODINGS)]
    body = data[3:]
    answer = ResponseHeader(
        "0" * 32, 1, endpoint, "p", "m", "default", status=200, provider_status=200, content_type=content_type,
        content_encoding=encoding, total_bytes=len(body) + (data[0] >> 7), latency_us=1,
    )  # fmt: skip
    _check(encode(build_response(Frame(answer, body), CONTEXT)))
    request = RequestHeader(
        "0" * 32, 1, endpoint, "p", "m", "default", content_type=content_type, total_bytes=len(body) + (data[1] >> 7)
    )
    built = build_request(Frame(request, body), CONTEXT)
    for record in (built.record, *built.dedup):
        _check(encode(record))


def _check(line: bytes) -> None:
    record = msgspec.json.decode(line)
    assert record["type"] in ("request", "response", "system_prompt", "tools")
    assert b"\n" not in line.rstrip(b"\n")
    assert len(line) < 15 << 20
    assert b"sk-planted-0123456789" not in line
