"""What went wrong with a try at a provider: which error the client gets, and whether another try is silent and safe."""

import socket
import ssl
from typing import Final

from open_llm_proxy.http1.errors import UpstreamProtocolError
from open_llm_proxy.proxy import errors
from open_llm_proxy.proxy.errors import Refusal

ATTEMPTS: Final = 2
"""A call is repeated by itself once, on a reused connection that closed before any byte of an answer."""


def explain(error: Exception, provider: str) -> Refusal:
    """The refusal for a call whose provider could not be reached, or broke off before an answer."""
    if isinstance(error, TimeoutError):
        return Refusal(errors.CONNECT_TIMEOUT, f"no connection to {provider} in time")
    if isinstance(error, socket.gaierror):
        return Refusal(errors.NOT_RESOLVED, f"the name of {provider} could not be resolved: {error.strerror or error}")
    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", error)  # only OpenSSL's own errors have it, and ``reason``
        return Refusal(errors.TLS_FAILED, f"the certificate of {provider} is not valid: {why}")
    if isinstance(error, ssl.SSLError):
        why = getattr(error, "reason", None) or error
        return Refusal(errors.TLS_FAILED, f"the TLS handshake with {provider} failed: {why}")
    if isinstance(error, UpstreamProtocolError):
        return Refusal(errors.CUT_OFF, f"{provider} gave no answer: {error.message}")
    return Refusal(errors.UNREACHABLE, f"{provider} could not be reached: {_describe(error)}")


def _describe(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or error) or type(error).__name__
