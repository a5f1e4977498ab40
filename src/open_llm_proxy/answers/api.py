"""Which request and answer shape an endpoint speaks."""

from functools import lru_cache
from typing import Literal, TypeAlias

Api: TypeAlias = Literal["chat", "completions", "responses", "messages", "other"]


@lru_cache(maxsize=256)
def api_of(endpoint: str) -> Api:
    """The API behind a path (``/v1/chat/completions``, ``/chat``, ``/v1/messages?beta=true``); ``other``: the rest.

    The others (embeddings, images, audio, …) are read for what all have in common: usage, model, id, error.
    """
    path = endpoint.partition("?")[0].rstrip("/")
    if path == "/chat" or path.endswith("/chat/completions"):
        return "chat"
    last = path.rpartition("/")[2]
    return last if last in {"completions", "responses", "messages"} else "other"  # pyright: ignore[reportReturnType]
