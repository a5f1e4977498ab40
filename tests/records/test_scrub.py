"""A planted secret never survives; ordinary text is left alone; twice is once."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.records.scrub import REDACTED, Scrubber

SECRET = "Zx9kQ2mLw7Rt5Vb1"
SCRUBBER = Scrubber(["proxy-key-7781", 'provider"quoted"key'])
NAMES = ["s3_secret", "AWS_SECRET_ACCESS_KEY", "api-key", "apiKey", "password", "X_token", "Authorization", "my_bearer"]


@pytest.mark.parametrize("name", NAMES)
def test_values_of_secret_keys_go(name):
    assert SCRUBBER.value({name: SECRET}) == {name: REDACTED}


@pytest.mark.parametrize("name", ["max_tokens", "tokens", "secretary", "passwords_changed", "keyboard"])
def test_names_that_only_look_so_stay(name):
    assert SCRUBBER.value({name: "some words"}) == {name: "some words"}


def test_numbers_booleans_and_null_stay():
    assert SCRUBBER.value({"token": 5, "secret": None, "password": True}) == {
        "token": 5,
        "secret": None,
        "password": True,
    }


@pytest.mark.parametrize(
    "text",
    [
        f"api_key={SECRET}",
        f"password: '{SECRET}'",
        f'"secret": "{SECRET}"',
        f"CREATE SECRET (TYPE S3, KEY_ID 'AKIDEXAMPLE', SECRET '{SECRET}')",
        f"curl -H 'Authorization: Bearer {SECRET}'",
        f"Authorization: Basic {SECRET}",
        f"key sk-{SECRET}{SECRET}",
        "AKIAIOSFODNN7EXAMPLE",
        f"https://x/y?X-Amz-Signature={SECRET}&a=1",
        "the proxy-key-7781 itself",
    ],
)
def test_secrets_in_text_go(text):
    scrubbed = SCRUBBER.text(text)
    assert REDACTED in scrubbed
    for planted in (SECRET, "AKIAIOSFODNN7EXAMPLE", "proxy-key-7781"):
        assert planted not in scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "secret: we agreed",
        "the token of my affection",
        "a password is needed",
        "SELECT * FROM tokens",
        "max_tokens: 5",
        "Bearer of news",
    ],
)
def test_ordinary_text_is_left_alone(text):
    assert SCRUBBER.text(text) == text


@given(st.text(max_size=300))
def test_text_without_secrets_is_left_alone_and_twice_is_once(text):
    once = SCRUBBER.text(text)
    assert SCRUBBER.text(once) == once


@given(depth=st.integers(0, 4), name=st.sampled_from(NAMES), padding=st.text(st.characters(codec="utf-8"), max_size=20))
def test_a_planted_secret_never_survives_any_nesting(depth, name, padding):
    value = {"note": padding, "deep": [{name: SECRET}]}
    text = json.dumps(value)
    for _ in range(depth):
        text = json.dumps({"arguments": text})
    scrubbed = SCRUBBER.text(text)
    assert SECRET not in scrubbed
    assert SCRUBBER.text(scrubbed) == scrubbed


def test_hostile_text_takes_linear_time():
    def seconds(size):
        text = ("secret=" * size) + ("'" * size) + ("password: " * size)
        begun = time.process_time()
        SCRUBBER.text(text)
        return time.process_time() - begun

    seconds(100)
    assert seconds(40_000) < 200 * max(seconds(2_000), 0.005)
