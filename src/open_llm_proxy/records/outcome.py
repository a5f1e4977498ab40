"""What a record's ``error`` says. Roll-ups match on these texts: they are contracts."""

from typing import Final, NamedTuple

from open_llm_proxy.answers.answer import Answer
from open_llm_proxy.answers.api import Api
from open_llm_proxy.answers.decode import Decoded
from open_llm_proxy.spool.frame import ResponseHeader

# As much of a body as can matter: its first 1,000 characters, at most four bytes each, and what scrubbing looks ahead.
_BODY_BYTES: Final = 1 << 16


class Failure(NamedTuple):
    """Why a call failed: ``text`` in our words, and the part of the provider's that follows it."""

    text: str
    said: str | None = None


def find_failure(
    header: ResponseHeader, answer: Answer, decoded: Decoded, api: Api, *, captured: bool
) -> Failure | None:
    """Why a call failed, None where it did not: what the worker saw, then what the provider said.

    Args:
        header: The frame's header.
        answer: What the body says.
        decoded: The body, content codings taken off.
        api: The shape that the body should have.
        captured: Whether the capture holds all that came; what it does not hold cannot be missed.
    """
    status = header.provider_status
    if header.error is not None:
        return Failure(header.error)
    if status is None:
        return None
    if status >= 400:
        return Failure(_returned(status), _start(decoded))
    if answer.error is not None:
        return Failure(_returned(status), answer.error)
    if not captured or decoded.limited:
        return None
    return _find_flaw(status, header, answer, decoded, api)


def _find_flaw(status: int, header: ResponseHeader, answer: Answer, decoded: Decoded, api: Api) -> Failure | None:
    """What is wrong with an answer that claims to be good."""
    if not header.complete:
        return Failure(f"{_returned(status)} answer broken off after {header.total_bytes} bytes")
    if decoded.damaged:
        return Failure(f"{_returned(status)} answer is no valid {header.content_encoding}")
    if api == "other" or answer.ended:
        return None
    if not decoded.data:
        return Failure(f"{_returned(status)} empty answer")
    if not answer.readable:
        return Failure(_returned(status), _start(decoded))
    return Failure(f"{_returned(status)} stream ended without finish_reason or [DONE]")


def _start(decoded: Decoded) -> str:
    return decoded.data[:_BODY_BYTES].decode("utf-8", "replace")


def _returned(status: int) -> str:
    return f"Provider returned {status}:"
