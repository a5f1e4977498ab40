"""Token counts under one set of names, for our own numbers; records keep the provider's object as it came."""

from math import isfinite
from typing import Any, Final, NamedTuple

from open_llm_proxy.answers.answer import Object, as_object


class Tokens(NamedTuple):
    """Tokens of one call; None where the provider did not say."""

    prompt: int | None = None
    completion: int | None = None
    total: int | None = None
    cached: int | None = None


_NONE: Final = Tokens()


def _count(usage: Object, name: str) -> int | None:
    value = usage.get(name)
    if value.__class__ is int:  # not a bool
        return value
    return int(value) if isinstance(value, float) and isfinite(value) else None


def normalise(usage: Any) -> Tokens:
    """The counts of a usage object in OpenAI's (chat or responses) or Anthropic's names.

    The log side counts likewise: ``logs/sql/token_counts.sql``.
    """
    found = as_object(usage)
    if not found:
        return _NONE
    prompt = _count(found, "prompt_tokens")
    completion = _count(found, "completion_tokens")
    if completion is None:
        completion = _count(found, "output_tokens")
    read = _count(found, "cache_read_input_tokens")
    if prompt is None and (prompt := _count(found, "input_tokens")) is not None and read is not None:
        prompt += read + (_count(found, "cache_creation_input_tokens") or 0)  # Anthropic counts the cached part apart
    cached = _count(as_object(found.get("prompt_tokens_details")), "cached_tokens")
    if cached is None:
        cached = _count(as_object(found.get("input_tokens_details")), "cached_tokens")
    if cached is None:
        cached = read
    total = _count(found, "total_tokens")
    if total is None and (prompt is not None or completion is not None):
        total = (prompt or 0) + (completion or 0)
    return Tokens(prompt, completion, total, cached)
