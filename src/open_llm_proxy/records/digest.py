"""Hashes of texts."""

import hashlib


def sha256_of(text: str) -> str:
    """The hash of a text's UTF-8 (a lone surrogate as the three bytes that it would have)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
