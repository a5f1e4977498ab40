import pytest

from open_llm_proxy.errors import OpenLlmProxyError
from open_llm_proxy.http1.errors import REASONS, ProtocolError, UpstreamProtocolError


def test_a_protocol_error_carries_status_and_message():
    error = ProtocolError(431, "too long")
    assert (error.status, error.message, str(error)) == (431, "too long", "too long")
    assert isinstance(error, OpenLlmProxyError)


def test_what_a_provider_breaks_is_a_502():
    error = UpstreamProtocolError("no HTTP")
    assert isinstance(error, ProtocolError)
    assert (error.status, error.message) == (502, "no HTTP")


def test_the_reasons_are_those_of_rfc_9110():
    assert REASONS == {
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


@pytest.mark.parametrize("status", [400, 408, 413, 417, 431, 502, 503])
def test_each_status_that_the_engine_answers_with_has_its_reason(status):
    assert REASONS[status]
