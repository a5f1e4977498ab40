"""Secrets out, before anything leaves the spool: always on, twice is once, linear in the text.

A text that is JSON is read as such, as deep as it goes (tool arguments, tool results); any other is free text. Nearly
all texts hold none of the words that could lead to a secret: finding that out is all they cost.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, cast

from open_llm_proxy.answers.jsontext import dump, parse
from open_llm_proxy.records.bounds import has_too_many_values
from open_llm_proxy.records.escapes import hides_ascii, unescape_ascii
from open_llm_proxy.records.known_secrets import MIN_LENGTH, KnownSecrets
from open_llm_proxy.records.secret_names import is_secret_name
from open_llm_proxy.records.secret_text import REDACTED, has_candidates, redact

__all__ = ["REDACTED", "Scrubber", "scrubber_of"]

# Longer than what a rule must see of a secret to know it: a text is cut to its cap and this before it is scrubbed.
_MARGIN: Final = 512
# One redaction can make a neighbour recognisable; two rounds settle what has been seen, the bound is for what has not.
_ROUNDS: Final = 5
_SHORTEST: Final = 9  # token="1"
_WORD_CHARACTERS: Final = 512
_WORDS: Final = 4096


class Scrubber:
    """Takes secrets out of texts and JSON values.

    Args:
        secrets: What must never be seen anywhere: client and provider keys.

    Attributes:
        margin: Characters by which a text must exceed its cap when it is scrubbed, so that no secret is cut in two
            before it is seen.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known = KnownSecrets(secrets)
        self._words: dict[str, str] = {}
        self.margin = _MARGIN + 2 * self._known.longest

    def text(self, text: str) -> str:
        """The text without secrets; the same object where it holds none."""
        if not self.may_redact(text):
            return text
        for _ in range(_ROUNDS):
            cleaned = self._round(text)
            if cleaned == text:
                break
            text = cleaned
        return text

    def value(self, value: Any) -> Any:
        """A JSON value without secrets, keys of objects included; the same object where it holds none.

        Raises:
            RecursionError: Nested too deeply.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return self._object(cast("dict[str, Any]", value))
        if isinstance(value, list):
            items = cast("list[Any]", value)
            cleaned = [self.value(item) for item in items]
            return cleaned if any(new is not old for new, old in zip(cleaned, items, strict=True)) else items
        return value

    def _object(self, value: dict[str, Any]) -> dict[str, Any]:
        cleaned: dict[str, Any] = {}
        changed = False
        for key, item in value.items():
            name = self.word(key)
            if item.__class__ is int:  # counts, as in usage, are what most objects hold
                new = item
            else:
                new = _hide(item) if isinstance(item, str) and is_secret_name(key) else self.value(item)
            cleaned[name] = new
            changed = changed or new is not item or name is not key
        return cleaned if changed else value

    def word(self, word: str) -> str:
        """As ``text``, for short texts of which the same few come again and again: names, keys of objects, origins."""
        if len(word) > _WORD_CHARACTERS:
            return self.text(word)
        cleaned = self._words.get(word)
        if cleaned is None:
            if len(self._words) >= _WORDS:
                self._words.clear()
            cleaned = self._words[word] = self.text(word)
        return word if cleaned == word else cleaned

    def may_redact(self, text: str) -> bool:
        """Whether the text, or a JSON text's values, may hold a secret; where not, nothing would be redacted."""
        if len(text) < _SHORTEST:
            return len(text) >= MIN_LENGTH and self._known.occur_in(text)
        low = text.lower()
        hinted = (
            "token" in low
            or "secret" in low
            or "key" in low
            or "passw" in low
            or "authorization" in low
            or "bearer" in low
            or "basic" in low
            or "sk-" in low
            or "akia" in low
            or "sig" in low
            or "credential" in low
            or "aws" in low
        )
        return (hinted and has_candidates(text)) or hides_ascii(low) or self._known.occur_in(text)

    def _round(self, text: str) -> str:
        text = self._known.redact(text)
        if text.lstrip()[:1] in {"{", "[", '"'} and not has_too_many_values(text):
            try:
                value = parse(text)
                cleaned = self.value(value)
                return text if cleaned is value else dump(cleaned)
            except (ValueError, RecursionError):
                pass  # no JSON, cut, or nested too deeply: free text, as is what has too many values
        plain = unescape_ascii(text)
        cleaned = redact(self._known.redact(plain))
        return text if cleaned == plain else cleaned


def _hide(text: str) -> str:
    return text if text == REDACTED else REDACTED


@lru_cache(maxsize=16)
def scrubber_of(secrets: tuple[str, ...]) -> Scrubber:
    """The scrubber for these secrets, made once."""
    return Scrubber(secrets)
