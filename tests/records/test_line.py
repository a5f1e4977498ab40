"""A response as one short line."""

from open_llm_proxy.records.line import short_line

RECORD = {
    "type": "response",
    "timestamp": "2026-01-01T10:11:12.000000Z",
    "status": 200,
    "model": "kimi",
    "provider": "nrp",
    "latency_ms": 12,
    "tokens": {"total_tokens": 7},
    "origin": "https://fire.example.org/run",
    "error": None,
}


def test_the_parts_of_a_line():
    assert short_line(RECORD) == "10:11:12  200  kimi → nrp  12 ms  7 tokens  fire"


def test_an_error_stands_last():
    line = short_line(RECORD | {"error": "boom", "tokens": None, "origin": None, "client": "geo/1"})
    assert line == "10:11:12  200  kimi → nrp  12 ms  - tokens  geo/1  boom"


def test_requests_have_none():
    assert short_line({"type": "request"}) is None
