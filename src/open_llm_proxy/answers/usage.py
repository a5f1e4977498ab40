"""Token counts under one set of names, for our own numbers; records keep the provider's object as it came."""

from math import isfinite
from typing import Any, NamedTuple

from open_llm_proxy.answers.answer import Object, as_object


class Tokens(NamedTuple):
    """Tokens of one call; None where the provider did not say."""

    prompt: int | None = None
    completion: int | None = None
    total: int | None = None
    cached: int | None = None


def _count(usage: Object, *names: str) -> int | None:
    for name in names:
        value = usage.get(name)
        if isinstance(value, bool) or (isinstance(value, float) and not isfinite(value)):
            continue
        if isinstance(value, int | float):
            return int(value)
    return None


def normalise(usage: Any) -> Tokens:
    """The counts of a usage object in OpenAI's (chat or responses) or Anthropic's names.

    The log side counts likewise: ``logs/sql/token_counts.sql``.
    """
    found = as_object(usage)
    prompt = _count(found, "prompt_tokens")
    completion = _count(found, "completion_tokens", "output_tokens")
    read = _count(found, "cache_read_input_tokens")
    if prompt is None and (prompt := _count(found, "input_tokens")) is not None and read is not None:
        prompt += read + (_count(found, "cache_creation_input_tokens") or 0)  # Anthropic counts the cached part apart
    details = (as_object(found.get(name)) for name in ("prompt_tokens_details", "input_tokens_details"))
    cached = next((count for one in details if (count := _count(one, "cached_tokens")) is not None), read)
    total = _count(found, "total_tokens")
    if total is None and (prompt is not None or completion is not None):
        total = (prompt or 0) + (completion or 0)
    return Tokens(prompt, completion, total, cached)
