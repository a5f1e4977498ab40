import errno
import socket
import ssl

import pytest

from open_llm_proxy.http1.errors import UpstreamProtocolError
from open_llm_proxy.proxy import errors
from open_llm_proxy.proxy.attempts import ATTEMPTS, explain


def certificate_error():
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "row", "said"),
    [
        (TimeoutError(), errors.CONNECT_TIMEOUT, "in time"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), errors.NOT_RESOLVED, "not known"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), errors.NOT_RESOLVED, "Temporary failure"),
        (certificate_error(), errors.TLS_FAILED, "self-signed certificate"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), errors.TLS_FAILED, "WRONG_VERSION"),
        (UpstreamProtocolError("closed without an answer"), errors.CUT_OFF, "closed without an answer"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), errors.UNREACHABLE, "Connection refused"),
        (ConnectionResetError(), errors.UNREACHABLE, "ConnectionResetError"),
        (OSError("10.0.0.1 has no address"), errors.UNREACHABLE, "has no address"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), errors.UNREACHABLE, "No route to host"),
    ],
)
def test_each_failure_has_its_row_and_names_the_provider(error, row, said):
    refusal = explain(error, "nimbus")
    assert refusal.row is row
    assert "nimbus" in refusal.message
    assert said in refusal.message


def test_a_call_is_sent_twice_at_most():
    assert ATTEMPTS == 2
