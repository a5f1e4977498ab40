"""The keys that the proxy itself knows, in every form in which a text can hold them."""

import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from open_llm_proxy.records.secret_text import REDACTED

# A key this short is no key: taking out each "a" would leave no text. Up to the next bound, whole words only.
MIN_LENGTH: Final = 4
_WORD_LENGTH: Final = 8
_JSON_DEPTH: Final = 3


def _forms(secret: str) -> set[str]:
    """As it is, percent-encoded, and escaped as in JSON, JSON in JSON, …; some encoders escape the slash, too."""
    forms = {secret, quote(secret, safe="")}
    for ascii_only in (True, False):
        for slash in ("/", "\\/"):
            text = secret
            for _ in range(_JSON_DEPTH):
                text = json.dumps(text, ensure_ascii=ascii_only)[1:-1].replace("/", slash)
                forms.add(text)
    return forms


class KnownSecrets:
    """A fixed set of secrets. ``longest`` is the length of their longest form."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= MIN_LENGTH for form in _forms(secret)}
        usable = [form for form in forms if form not in REDACTED]
        usable.sort(key=lambda form: (-len(form), form))
        self._needles = tuple(usable)
        self.longest = max(map(len, usable), default=0)
        self._pattern = re.compile("|".join(map(_pattern, usable))) if usable else None

    def occur_in(self, text: str) -> bool:
        """Whether one of them may stand in the text."""
        for needle in self._needles:  # noqa: SIM110 - a generator costs twice as much
            if needle in text:
                return True
        return False

    def redact(self, text: str) -> str:
        """The text without them."""
        return self._pattern.sub(REDACTED, text) if self._pattern else text


def _pattern(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= _WORD_LENGTH else rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"
