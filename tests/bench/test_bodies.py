import json

import pytest

from bench import bodies


@pytest.mark.parametrize("size", [1024, 4096, 102_400])
def test_a_request_has_exactly_its_size_and_is_json(size: int):
    request = bodies.make_request(size)
    assert len(request) == size
    body = json.loads(request)
    assert body["model"] == bodies.MODEL
    assert body["messages"][0]["role"] == "system"
    assert "stream" not in body


def test_a_request_is_the_same_in_every_round():
    assert bodies.make_request(1024, stream=True) == bodies.make_request(1024, stream=True)
    assert json.loads(bodies.make_request(1024, stream=True))["stream"] is True


def test_a_large_request_is_a_conversation_with_tools():
    roles = {message["role"] for message in json.loads(bodies.make_request(102_400))["messages"]}
    assert roles == {"system", "user", "assistant", "tool"}


def test_a_plain_answer_is_one_write_with_a_body_of_its_size():
    script = bodies.make_answer(922)
    assert script.ends == (len(script.data),)
    assert script.chunks == 0
    assert len(script.body) == 922
    assert b"content-length: 922\r\n" in script.data
    assert json.loads(script.body)["usage"]["total_tokens"] == 308


def test_a_stream_has_equal_events_each_in_a_chunk_of_its_own():
    script = bodies.make_stream(5, 205)
    assert script.chunks == 5
    assert len(script.body) == 5 * 205
    events = [line for line in script.body.decode().split("\n\n") if line.startswith("data: ")]
    assert events[-1] == "data: [DONE]"
    deltas = [json.loads(event.removeprefix("data: "))["choices"][0] for event in events[:-1]]
    assert len(deltas) == 4
    assert [delta["finish_reason"] for delta in deltas] == [None, None, None, "stop"]


def test_a_streams_writes_end_with_its_chunks():
    script = bodies.make_stream(3, 205)
    head, *chunks = (script.data[start:end] for start, end in zip((0, *script.ends), script.ends, strict=False))
    assert head.endswith(b"transfer-encoding: chunked\r\n\r\n")
    assert all(chunk.startswith(b"cd\r\n") for chunk in chunks)
    assert chunks[-1].endswith(b"\r\n0\r\n\r\n")
    assert script.ends[-1] == len(script.data)
