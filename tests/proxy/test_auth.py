import hmac

import pytest

from open_llm_proxy.proxy.auth import Keyring, identity

KEYS = [("default", "first-key"), ("geo", "second-key"), ("extra-2", "schlüssel")]


@pytest.fixture
def keyring():
    return Keyring(KEYS)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({b"authorization": b"Bearer first-key"}, "default"),
        ({b"authorization": b"bearer second-key"}, "geo"),
        ({b"authorization": b"BEARER   second-key"}, "geo"),
        ({b"authorization": b"first-key"}, "default"),
        ({b"x-api-key": b"second-key"}, "geo"),
        ({b"authorization": "Bearer schlüssel".encode()}, "extra-2"),
        ({b"authorization": b"Bearer wrong", b"x-api-key": b"first-key"}, "default"),
        ({b"authorization": b"Bearer first-key", b"x-api-key": b"second-key"}, "default"),
    ],
)
def test_a_good_key_is_named(keyring, fields, name):
    assert keyring.authenticate(fields) == name


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {b"authorization": b""},
        {b"authorization": b"Bearer"},
        {b"authorization": b"Bearer "},
        {b"authorization": b"Bearer first-key2"},
        {b"authorization": b"Bearer first-ke"},
        {b"authorization": b"Bearer FIRST-KEY"},
        {b"authorization": b"Basic first-key"},
        {b"authorization": b"Bearer Bearer first-key"},
        {b"x-api-key": b"Bearer first-key"},
        {b"x-api-key": b""},
        {b"cookie": b"first-key"},
    ],
)
def test_anything_else_is_refused(keyring, fields):
    assert keyring.authenticate(fields) is None


def test_no_keys_let_nobody_in():
    keyring = Keyring([])
    assert not keyring
    assert keyring.authenticate({b"authorization": b"Bearer "}) is None


def test_some_keys_make_a_keyring_true(keyring):
    assert keyring


def test_hashes_are_compared_in_constant_time_and_all_of_them(keyring, monkeypatch):
    compared, really = [], hmac.compare_digest

    def compare(one, other):
        compared.append((one, other))
        return really(one, other)

    monkeypatch.setattr("open_llm_proxy.proxy.auth.hmac.compare_digest", compare)
    assert keyring.authenticate({b"authorization": b"Bearer first-key"}) == "default"
    assert len(compared) == len(KEYS)
    assert all(len(one) == len(other) == 32 and b"key" not in one for one, other in compared)


def test_the_first_name_of_one_key_given_twice_counts():
    assert Keyring([("default", "same"), ("extra-1", "same")]).authenticate({b"x-api-key": b"same"}) == "default"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (b"", None),
        (b"geo-agent/v3.13.1", "geo-agent/v3.13.1"),
        (b"\xff\xfeab", "\ufffd\ufffdab"),
        (b"a" * 600, "a" * 512),
        ("ü".encode() * 600, "ü" * 512),
    ],
)
def test_identity_is_cut_and_decoded_whatever_it_is(value, shown):
    assert identity(value) == shown
