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
_PLAIN: Final = re.compile(r"[A-Za-z0-9]+")
_PIECES: Final = re.compile(r"\\+[\"'/]?|.", re.DOTALL)
_HEX_PAIR: Final = re.compile(r"%([0-9A-F]{2})")
_CONTROLS: Final = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}


class KnownSecrets:
    """A fixed set of secrets. ``longest`` is the length of their longest form, three levels deep in JSON."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        usable = {secret for secret in secrets if len(secret) >= MIN_LENGTH and secret not in REDACTED}
        ordered = sorted(usable, key=lambda secret: (-len(secret), secret))
        # What is the same in every form; a key without a letter or digit has no such part: all texts may hold it.
        self._needles = tuple(max(_PLAIN.findall(secret), key=len, default="") for secret in ordered)
        self._pattern = re.compile("|".join(map(_pattern, ordered))) if ordered else None
        self.longest = max((len(_nest(secret, 3)) for secret in ordered), default=0)

    def occur_in(self, text: str) -> bool:
        """Whether one of them may stand in the text."""
        for needle in self._needles:  # noqa: SIM110 - a generator costs twice as much
            if needle in text:
                return True
        return False

    def redact(self, text: str) -> str:
        """The text without them."""
        return self._pattern.sub(REDACTED, text) if self._pattern else text


def _nest(text: str, depth: int) -> str:
    for _ in range(depth):
        text = json.dumps(text)
    return text


def _pattern(secret: str) -> str:
    """Matches the secret as it is, percent-encoded, and as JSON at any depth writes it."""
    forms = ["".join(map(_piece, _PIECES.findall(secret)))]
    encoded = quote(secret, safe="", errors="surrogatepass")  # an environment can hold what is no UTF-8
    if encoded != secret:
        forms.append(_HEX_PAIR.sub(r"%(?i:\1)", re.escape(encoded)))
    either = "|".join(forms)
    return f"(?:{either})" if len(secret) >= _WORD_LENGTH else rf"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])"


def _piece(character: str) -> str:
    """A character, or backslashes and a quote after them; runs in the text are met at their beginning: linear time."""
    if character in {'"', "/", "'"}:
        return rf"(?<!\\)\\*+{character}"
    if character.startswith("\\"):
        return rf"(?<!\\)\\++{character.lstrip(chr(92))}"
    if character.isascii() and character.isprintable():
        return re.escape(character)
    units = character.encode("utf-16-be", "surrogatepass").hex()
    escaped = "".join(rf"\\++u(?i:{units[place : place + 4]})" for place in range(0, len(units), 4))
    short = rf"|\\++{_CONTROLS[character]}" if character in _CONTROLS else ""
    return rf"(?:{re.escape(character)}|(?<!\\)(?:{escaped}{short}))"
