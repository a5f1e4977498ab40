"""The texts of ``error``, which roll-ups match on."""

import gzip
import json

import pytest

STREAM = "text/event-stream"
HALF = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Fif"},"finish_reason":null}]}\n\n'
STOP = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def test_an_error_status_tells_up_to_1000_characters_of_the_body(read_response):
    body = "é" * 3000
    assert read_response(body.encode(), status=500)["error"] == "Provider returned 500: " + "é" * 1000
    assert read_response(b"", status=503)["error"] == "Provider returned 503: "


def test_a_compressed_error_is_read(read_response):
    record = read_response(gzip.compress(b'{"error": "no"}'), status=400, content_encoding="gzip")
    assert record["error"] == 'Provider returned 400: {"error": "no"}'


def test_a_secret_at_the_end_of_the_body_is_not_cut_in_two(read_response):
    secret = "client-key-0123456789abcdef"
    for padding in range(960, 1001):
        error = read_response(b"x" * padding + b" " + secret.encode(), status=500, context={"secrets": (secret,)})[
            "error"
        ]
        assert "client-key" not in error
        assert len(error) <= len("Provider returned 500: ") + 1000


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "budget limit exceeded", "code": 402}}, "application/json"),
        ({"object": "error", "message": "budget limit exceeded"}, "application/json"),
        (HALF + b'data: {"error": {"message": "budget limit exceeded"}, "choices": []}\n\n' + DONE, STREAM),
        (HALF + b'event: error\ndata: {"message": "budget limit exceeded"}\n\n', STREAM),
    ],
)
def test_a_200_that_is_an_error(read_response, body, kind):
    error = read_response(body, content_type=kind)["error"]
    assert error.startswith("Provider returned 200: {")
    assert "budget limit exceeded" in error


def test_the_providers_part_is_content(read_response):
    for status, body in ((500, b"secret plans"), (200, b'{"error": "secret plans"}'), (200, b"<p>secret plans</p>")):
        error = read_response(body, status=status, content_logged=False)["error"]
        assert error.startswith(f"Provider returned {status}:")
        assert "plans" not in error


@pytest.mark.parametrize("body", [HALF + STOP, HALF + DONE, HALF + STOP + DONE, HALF + DONE.rstrip(b"\n")])
def test_a_stream_that_came_to_its_end(read_response, body):
    assert read_response(body, content_type=STREAM)["error"] is None


def test_a_stream_that_ends_early_is_an_error_though_http_ended_well(read_response):
    record = read_response(HALF, content_type=STREAM)
    assert record["error"] == "Provider returned 200: stream ended without finish_reason or [DONE]"
    assert record["content"] == "Fif"


@pytest.mark.parametrize(
    ("endpoint", "end"),
    [
        ("/v1/messages", b'event: message_stop\ndata: {"type": "message_stop"}\n\n'),
        ("/v1/responses", b'data: {"type": "response.completed", "response": {"output": []}}\n\n'),
    ],
)
def test_each_api_has_its_end(read_response, endpoint, end):
    begun = b'data: {"type": "ping"}\n\n'
    assert "ended without" in read_response(begun, endpoint=endpoint, content_type=STREAM)["error"]
    assert read_response(begun + end, endpoint=endpoint, content_type=STREAM)["error"] is None


def test_what_broke_off_says_after_how_much(read_response):
    record = read_response(HALF + STOP + DONE, content_type=STREAM, complete=False)
    assert record["error"] == f"Provider returned 200: answer broken off after {len(HALF + STOP + DONE)} bytes"


def test_what_the_worker_saw_comes_first(read_response):
    seen = "Request timed out after 1200000ms"
    assert read_response(HALF, content_type=STREAM, complete=False, error=seen)["error"] == seen
    assert read_response(b"{}", status=500, error=seen)["error"] == seen


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"[]", b"null", b"OK"])
def test_an_answer_that_is_no_json_object_is_told(read_response, body):
    assert read_response(body)["error"] == f"Provider returned 200: {body.decode()}"


def test_an_empty_answer(read_response):
    assert read_response(b"")["error"] == "Provider returned 200: empty answer"


def test_an_answer_that_cannot_be_unpacked(read_response):
    packed = gzip.compress(json.dumps({"choices": []}).encode())[:-12]
    assert read_response(packed, content_encoding="gzip")["error"] == "Provider returned 200: answer is no valid gzip"


def test_other_apis_may_answer_as_they_like(read_response):
    for body in (b"WEBVTT\n\n00:00 Hello", b"", b"[]"):
        assert read_response(body, endpoint="/v1/audio/transcriptions", content_type="text/vtt")["error"] is None


def test_no_error_is_longer_than_2000_characters(read_response):
    assert len(read_response(b"{}", error="boom " * 1000)["error"]) == 2000


def test_a_good_answer_has_none(read_response):
    assert read_response({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]})["error"] is None
    assert read_response({"choices": None})["error"] is None
