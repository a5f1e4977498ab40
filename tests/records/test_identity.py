"""The part that a call's two records have in common."""

import pytest

from open_llm_proxy.records.identity import Identity, format_timestamp
from open_llm_proxy.records.scrub import Scrubber
from open_llm_proxy.spool.frame import RequestHeader


@pytest.mark.parametrize(
    ("at_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_775_520_000_000_001_999, "2026-04-07T00:00:00.000001Z"),
        (1_775_519_999_999_999_999, "2026-04-06T23:59:59.999999Z"),
    ],
)
def test_a_timestamp_has_microseconds_and_z(at_ns, text):
    assert format_timestamp(at_ns) == text


def header(**fields):
    return RequestHeader(
        "ab" * 16, 1, fields.pop("endpoint", "/chat"), "nrp", fields.pop("model", "kimi"), "default", **fields
    )


def test_a_clean_identity_is_as_it_was_sent():
    sent = header(origin="https://a.example.org", client="c/1", session_id="s")
    assert Identity.of(sent, Scrubber()) == Identity("s", "c/1", "https://a.example.org", "kimi", "/chat")
    assert Identity.of(header(), Scrubber()) == Identity(None, None, None, "kimi", "/chat")


def test_a_key_in_one_of_them_is_taken_out_of_that_one():
    sent = header(
        session_id="known-key-1", model="sk-1234567890abcdef", client="c/1", endpoint="/chat?api_key=abcdef123"
    )
    assert Identity.of(sent, Scrubber(["known-key-1"])) == Identity(
        "[REDACTED]", "c/1", None, "[REDACTED]", "/chat?api_key=[REDACTED]"
    )
