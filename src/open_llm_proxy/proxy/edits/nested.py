"""A key set inside the object that a top-level key holds; every other byte of it stays."""

from collections.abc import Callable
from typing import Any

import msgspec

from open_llm_proxy.proxy.members import splice
from open_llm_proxy.proxy.request import Body, read_body

_encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode


def read(body: Body, key: str) -> Body:
    """The object at ``key``, an empty one where it is absent or null.

    Raises:
        Refusal: It is no object.
    """
    raw = body.values.get(key)
    return read_body(b"{}" if raw is None or bytes(raw) == b"null" else bytes(raw))


def put(inner: Body, key: str, value: Any) -> msgspec.Raw:
    """``inner`` with ``key`` set to ``value``."""
    return msgspec.Raw(splice(inner.raw, inner.members, {key: _encode(value)}, ()))
