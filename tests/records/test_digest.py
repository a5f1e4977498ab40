"""Hashes of texts."""

import hashlib

from open_llm_proxy.records.digest import sha256_of


def test_the_hash_is_of_the_utf_8():
    assert sha256_of("é") == hashlib.sha256(b"\xc3\xa9").hexdigest()


def test_a_lone_surrogate_has_a_hash_too():
    assert sha256_of("\ud83d") == hashlib.sha256(b"\xed\xa0\xbd").hexdigest()
