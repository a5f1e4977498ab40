"""Escapes of printable ASCII mean what they meant before, at any depth."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.records.escapes import hides_ascii, unescape_ascii


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r"api\u005fkey", "api_key"),
        (r"api\u005Fkey \u007E", "api_key ~"),
        (r"\u0022x\u0022", r"\"x\""),
        (r"\\u0022", r"\\\""),
        (r"\\\\u0022", r"\\\\\\\""),
        (r"\u005c", r"\\"),
        (r"caf\u00e9 \u000a \u007f", r"caf\u00e9 \u000a \u007f"),
    ],
)
def test_escapes_become_characters(text, plain):
    assert unescape_ascii(text) == plain


def test_a_text_without_any_is_the_same_object():
    text = "caf\\u00e9"
    assert unescape_ascii("plain") == "plain"
    assert unescape_ascii(text) == text
    assert hides_ascii(r"\u0041")
    assert not hides_ascii(text)


@given(st.text(st.sampled_from('"\\_a'), max_size=6), st.integers(0, 4))
def test_the_text_means_the_same_at_any_depth(text, depth):
    """Each character escaped at the innermost level, then taken through ``depth`` more levels of JSON."""
    escaped = '"' + "".join(f"\\u{ord(character):04x}" for character in text) + '"'
    for _ in range(depth):
        escaped = json.dumps(escaped)
    read = unescape_ascii(escaped)
    assert not hides_ascii(read)
    for _ in range(depth + 1):
        read = json.loads(read)
    assert read == text


def test_a_long_run_of_backslashes_takes_linear_time():
    assert unescape_ascii("\\" * 500_000 + "u0022").endswith('"')
    assert unescape_ascii("\\" * 500_000 + "x") == "\\" * 500_000 + "x"
