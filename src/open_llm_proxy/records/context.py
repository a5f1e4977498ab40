"""What a deployment says of its records, and how texts are kept by it."""

from typing import Final, Literal

import msgspec

from open_llm_proxy.config.snapshot import LogSettings
from open_llm_proxy.records.scrub import REDACTED, Scrubber, scrubber_of

NAME_CHARACTERS: Final = 200


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """How records are made: one value for all frames between two reloads.

    The four caps are in characters, 0 keeps all. ``secrets``: every client and provider key. ``capture_mode`` ``full``
    adds the conversation, ``system_prompt`` and ``tools`` records.
    """

    capture_mode: Literal["summary", "full"] = "summary"
    content_max: int = 0
    reasoning_max: int = 4000
    tool_result_max: int = 20000
    user_question_max: int = 4000
    secrets: tuple[str, ...] = ()
    host: str = ""
    proxy_version: str = ""

    @property
    def scrubber(self) -> Scrubber:
        """Takes the known keys, and what looks like a secret, out of texts."""
        return scrubber_of(self.secrets)

    @property
    def full(self) -> bool:
        """Whether whole conversations are kept."""
        return self.capture_mode == "full"


def context_of(log: LogSettings, secrets: tuple[str, ...], host: str = "", version: str = "") -> Context:
    """How records are made by what the environment says; ``host`` and ``version`` are of the proxy that answered."""
    return Context(
        capture_mode="full" if log.capture_mode == "full" else "summary",
        content_max=log.content_max,
        reasoning_max=log.reasoning_max,
        tool_result_max=log.tool_result_max,
        user_question_max=log.user_question_max,
        secrets=secrets,
        host=host,
        proxy_version=version,
    )


class Texts:
    """The texts of one record: scrubbed first and cut then, with a list of the fields that were cut."""

    __slots__ = ("scrubber", "truncated")

    def __init__(self, scrubber: Scrubber) -> None:
        self.scrubber = scrubber
        self.truncated: list[str] = []

    def keep(self, field: str, text: str | None, limit: int = 0) -> str | None:
        """The scrubbed text, no longer than ``limit`` characters (0: whole); a cut is noted under the field's name."""
        if not text:
            return text
        if not limit or len(text) <= limit:
            text = self.scrubber.text(text)
            return text if not limit or len(text) <= limit else cut(text, limit)
        self.note_cut(field)
        return cut(self.scrubber.text(text[: limit + self.scrubber.margin]), limit)

    def name(self, field: str, text: str | None) -> str | None:
        """As ``keep``, for a provider's words of which the same few come again and again."""
        if text and len(text) <= NAME_CHARACTERS:
            text = self.scrubber.word(text)
        return self.keep(field, text, NAME_CHARACTERS) if text and len(text) > NAME_CHARACTERS else text

    def note_cut(self, field: str) -> None:
        """Remember that a field is not whole."""
        if field not in self.truncated:
            self.truncated.append(field)


def cut(text: str, limit: int) -> str:
    """The first ``limit`` characters, fewer where they would end within a ``[REDACTED]``."""
    if len(text) <= limit:
        return text
    start = text.rfind(REDACTED, max(0, limit - len(REDACTED) + 1), limit + len(REDACTED) - 1)
    return text[: start if 0 <= start < limit < start + len(REDACTED) else limit]
