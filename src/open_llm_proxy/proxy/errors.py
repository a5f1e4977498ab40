"""Errors of ours as the clients of two APIs expect them: one row each; ``docs/errors.md`` has the same rows.

OpenAI: https://platform.openai.com/docs/guides/error-codes (``{"error": {message, type, code, param}}``).
Anthropic: https://docs.anthropic.com/en/api/errors (``{"type": "error", "error": {type, message}}``).
"""

from typing import Final, NamedTuple

import msgspec

from open_llm_proxy.errors import OpenLlmProxyError


class Row(NamedTuple):
    """One kind of refusal; ``remedy`` is for the documents."""

    code: str
    status: int
    type: str
    when: str
    remedy: str


_INVALID: Final = "invalid_request_error"
_SERVER: Final = "server_error"

BAD_HTTP: Final = Row("bad_http", 400, _INVALID, "the request is not well-formed HTTP/1.1", "mend the client")
NO_BODY: Final = Row("missing_body", 400, _INVALID, "the request has no body", "send a JSON object with `model`")
BAD_JSON: Final = Row("invalid_json", 400, _INVALID, "the body is not JSON", "mend it where the message says")
NOT_OBJECT: Final = Row("invalid_body", 400, _INVALID, "the body is JSON, but no object", "send a JSON object")
BAD_MULTIPART: Final = Row("invalid_multipart", 400, _INVALID, "the multipart form cannot be read", "mend the form")
NO_MODEL: Final = Row("missing_model", 400, _INVALID, "`model` is absent, empty or no string", "name a model")
DUPLICATE_KEY: Final = Row(
    "duplicate_key", 400, _INVALID, "a key that we route or edit by stands twice in the body", "send it once"
)
BAD_PARAM: Final = Row("invalid_param", 400, _INVALID, "a field that an edit works on has a wrong type", "mend it")
UNKNOWN_MODEL: Final = Row(
    "model_not_found", 400, _INVALID, "no provider serves the model", "use one of `GET /v1/models`"
)
UNAUTHORIZED: Final = Row(
    "invalid_api_key", 401, "authentication_error", "no proxy key, or a wrong one", "send `Authorization: Bearer KEY`"
)
UNLISTED_MODEL: Final = Row(
    "model_not_listed", 404, _INVALID, "`GET /v1/models/{id}` of a model that no provider lists", "see `GET /v1/models`"
)
NOT_FOUND: Final = Row("not_found", 404, _INVALID, "there is nothing at this path", "see `GET /` for the endpoints")
BAD_METHOD: Final = Row("method_not_allowed", 405, _INVALID, "the path takes another method", "see the `allow` header")
TOO_SLOW: Final = Row("request_timeout", 408, _INVALID, "head or body was not sent in time", "send it faster, or retry")
TOO_LARGE: Final = Row("request_too_large", 413, _INVALID, "the body is over `limits.body_bytes`", "send less")
BAD_TYPE: Final = Row(
    "unsupported_media_type",
    415,
    _INVALID,
    "a compressed body, or a content type we cannot route",
    "send `application/json` or `multipart/form-data`, uncompressed",
)
BAD_EXPECTATION: Final = Row("bad_expectation", 417, _INVALID, "`expect` is not `100-continue`", "leave it out")
HEAD_TOO_LARGE: Final = Row(
    "head_too_large", 431, _INVALID, "the head is over `limits.head_bytes` or `header_lines`", "send fewer headers"
)
NO_PROXY_KEY: Final = Row(
    "proxy_key_not_configured", 500, _SERVER, "the server has no client key at all", "operator: set `PROXY_KEY`"
)
NO_PROVIDER_KEY: Final = Row(
    "provider_key_not_configured", 500, _SERVER, "the provider's key is not set", "operator: set its `api_key_env`"
)
UNREACHABLE: Final = Row("provider_unreachable", 502, _SERVER, "no connection to the provider", "retry later")
NOT_RESOLVED: Final = Row("provider_not_resolved", 502, _SERVER, "the provider's name has no address", "retry later")
TLS_FAILED: Final = Row(
    "provider_tls_failure", 502, _SERVER, "the provider's certificate or handshake failed", "operator: see `ca_file`"
)
CUT_OFF: Final = Row("provider_cut_off", 502, _SERVER, "the provider closed or broke HTTP before an answer", "retry")
OVERLOADED: Final = Row(
    "too_many_connections",
    503,
    _SERVER,
    "over `limits.connections`, or hardly a file more may be opened",
    "retry after the header",
)
BUFFERS_FULL: Final = Row("buffers_full", 503, _SERVER, "over `limits.buffer_bytes`", "retry after the header")
DRAINING: Final = Row("draining", 503, _SERVER, "the server stops and its `drain_s` is spent", "retry: another serves")
CONNECT_TIMEOUT: Final = Row(
    "connect_timeout", 504, "timeout_error", "no connection to the provider within `connect_s`", "retry later"
)
ANSWER_TIMEOUT: Final = Row(
    "provider_timeout", 504, "timeout_error", "no byte from the provider for `between_bytes_s`", "retry, or ask less"
)

ROWS: Final = tuple(row for row in list(globals().values()) if isinstance(row, Row))

_PROTOCOL_ROWS: Final = {
    400: BAD_HTTP,
    408: TOO_SLOW,
    413: TOO_LARGE,
    417: BAD_EXPECTATION,
    431: HEAD_TOO_LARGE,
    503: BUFFERS_FULL,
}
_ANTHROPIC_TYPES: Final = {
    401: "authentication_error",
    404: "not_found_error",
    413: "request_too_large",
    503: "overloaded_error",
    504: "timeout_error",
}
RETRY_AFTER_S: Final = 2

_encode = msgspec.json.Encoder().encode


class Refusal(OpenLlmProxyError):  # noqa: N818 - what it is called everywhere: the proxy refuses a call
    """A call that we answer ourselves with an error.

    Args:
        row: Which error.
        message: What the caller reads.
        param: The body field at fault, if one is.
        headers: More header lines, each ended by CRLF.
    """

    def __init__(self, row: Row, message: str, param: str | None = None, headers: bytes = b"") -> None:
        super().__init__(message)
        self.row = row
        self.message = message
        self.param = param
        self.headers = headers


def row_of_protocol_status(status: int) -> Row:
    """The row for an ``http1`` error."""
    return _PROTOCOL_ROWS.get(status, BAD_HTTP)


def render(refusal: Refusal, *, anthropic: bool, request_id: str) -> bytes:
    """The JSON body of an error answer."""
    row = refusal.row
    if anthropic:
        kind = _ANTHROPIC_TYPES.get(row.status, "api_error" if row.status >= 500 else "invalid_request_error")
        return _encode({"type": "error", "error": {"type": kind, "message": refusal.message}, "request_id": request_id})
    return _encode({"error": {"message": refusal.message, "type": row.type, "code": row.code, "param": refusal.param}})


def render_event(refusal: Refusal, *, anthropic: bool, request_id: str) -> bytes:
    """The same as a server-sent event: how a stream that was cut by the provider ends."""
    body = render(refusal, anthropic=anthropic, request_id=request_id)
    return b"event: error\ndata: %b\n\n" % body if anthropic else b"data: %b\n\n" % body


def header_lines(refusal: Refusal) -> bytes:
    """Header lines that belong to an error answer (RFC 9110 §10.2.3 Retry-After, §11.6.1 WWW-Authenticate)."""
    status = refusal.row.status
    if status == 503:
        return b"retry-after: %d\r\n" % RETRY_AFTER_S + refusal.headers
    if status == 401:
        return b'www-authenticate: Bearer realm="open-llm-proxy"\r\n' + refusal.headers
    return refusal.headers
