"""Names whose values are secrets, and how such a name is recognised as a key of JSON."""

from functools import lru_cache
from typing import Final

NAMES: Final = (
    "s3_key",
    "s3_secret",
    "access_key_id",
    "secret_access_key",
    "aws_secret",
    "aws_access",
    "api_key",
    "apikey",
    "secret",
    "password",
    "passwd",
    "token",
    "auth_token",
    "authorization",
    "bearer",
    # Signatures in signed URLs, where they are sent as fields of their own (S3 POST policies, parsed queries).
    "x_amz_signature",
    "x_amz_credential",
    "x_goog_signature",
    "x_goog_credential",
)
_SUFFIXES: Final = tuple(f"_{name}" for name in NAMES)


@lru_cache(maxsize=4096)
def is_secret_name(key: str) -> bool:
    """Whether the key, lower-cased and with ``-`` as ``_``, is one of the names or ends in ``_`` and one of them."""
    name = key.lower().replace("-", "_")
    return name in NAMES or name.endswith(_SUFFIXES)
