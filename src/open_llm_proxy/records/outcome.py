"""What a record's ``error`` says. Roll-ups match on these texts: they are contracts."""

from typing import Final

from open_llm_proxy.answers.answer import Answer
from open_llm_proxy.answers.api import Api
from open_llm_proxy.answers.decode import Decoded
from open_llm_proxy.spool.frame import ResponseHeader

BODY_CHARACTERS: Final = 1000
# A character has at most four bytes of UTF-8. What is beyond is read so that no secret is cut in two before it is seen.
_BODY_BYTES: Final = 4 * BODY_CHARACTERS + 4096


def find_error(header: ResponseHeader, answer: Answer, decoded: Decoded, api: Api, *, captured: bool) -> str | None:
    """The error of a call, None where there was none: what the worker saw, then what the provider said.

    Args:
        header: The frame's header.
        answer: What the body says.
        decoded: The body, content codings taken off.
        api: The shape that the body should have.
        captured: Whether the capture holds all that came; what it does not hold cannot be missed.
    """
    status = header.provider_status
    if header.error is not None or status is None:
        return header.error
    if status >= 400:
        return _said(header, _start(decoded))
    if answer.error is not None:
        return _said(header, answer.error)
    if not captured or decoded.limited:
        return None
    ours = _find_flaw(header, answer, decoded, api)
    return None if ours is None else f"Provider returned {status}: {ours}"


def _find_flaw(header: ResponseHeader, answer: Answer, decoded: Decoded, api: Api) -> str | None:
    """In our words, what is wrong with an answer that claims to be good."""
    if not header.complete:
        return f"answer broken off after {header.total_bytes} bytes"
    if decoded.damaged:
        return f"answer is no valid {header.content_encoding}"
    if api == "other" or answer.ended:
        return None
    if not decoded.data:
        return "empty answer"
    if not answer.readable:
        return _start(decoded) if header.content_logged else "answer is no JSON"
    return "stream ended without finish_reason or [DONE]"


def _start(decoded: Decoded) -> str:
    return decoded.data[:_BODY_BYTES].decode("utf-8", "replace")


def _said(header: ResponseHeader, text: str) -> str:
    """The provider's part is content: it is kept only where content is."""
    said = f"Provider returned {header.provider_status}"
    return f"{said}: {text}" if header.content_logged else f"{said}:"
