"""What a peer can do wrong with HTTP, and what we answer."""

from typing import Final

from open_llm_proxy.errors import OpenLlmProxyError

REASONS: Final = {
    100: "Continue",
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class ProtocolError(OpenLlmProxyError):
    """The client broke HTTP; it is answered with ``status`` and the connection ends.

    Args:
        status: 400, 408, 413, 417 or 431.
        message: What was wrong, for the client to read.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class UpstreamProtocolError(ProtocolError):
    """The provider broke HTTP; ``status`` is what the client is told (502)."""

    def __init__(self, message: str) -> None:
        super().__init__(502, message)
