"""Who calls: a proxy key, compared in constant time over hashes."""

import hashlib
import hmac
from collections.abc import Iterable

CALLER_CHARACTERS = 512
"""Identity fields of a caller are cut to this in records."""


class Keyring:
    """The client keys, by name; only their SHA-256 is compared, each of them at every call."""

    def __init__(self, keys: Iterable[tuple[str, str]]) -> None:
        self._digests = [(name, hashlib.sha256(key.encode()).digest()) for name, key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def authenticate(self, fields: dict[bytes, bytes]) -> str | None:
        """The name of the key in ``authorization`` (Bearer in any case, or bare) or ``x-api-key``; None: not good."""
        value = fields.get(b"authorization")
        if value is not None:
            key = value[7:].lstrip() if value[:7].lower() == b"bearer " else value
            name = self._find(key)
            if name is not None:
                return name
        value = fields.get(b"x-api-key")
        return None if value is None else self._find(value)

    def _find(self, key: bytes) -> str | None:
        digest = hashlib.sha256(key).digest()
        found = None
        for name, known in self._digests:
            if hmac.compare_digest(digest, known) and found is None:
                found = name
        return found


def identity(value: bytes | None) -> str | None:
    """A caller's header as a record shows it; absent and empty are None."""
    if not value:
        return None
    return value.decode("utf-8", "replace")[:CALLER_CHARACTERS]
