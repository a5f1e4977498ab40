from collections.abc import Callable

import pytest

from bench import streams
from bench.bodies import make_answer, make_request, make_stream
from bench.processes import RigError, wait_until
from bench.provider import Counts, ScriptedProvider

Play = Callable[..., ScriptedProvider]


def test_every_stream_is_read_once_and_whole(play: Play):
    provider = play(make_stream(20, 205), 1)
    before = provider.count()
    looks: list[int] = []
    streams.read_streams(
        provider.port, make_request(1024, stream=True), 30, provider.script.body, lambda: looks.append(1)
    )
    wait_until(lambda: provider.count() - before == Counts(30, 30, 600), "the counts", seconds=5)
    assert looks


def test_a_stream_that_is_cut_off_is_an_error(play: Play, monkeypatch: pytest.MonkeyPatch):
    provider = play(make_stream(20, 205), 1)
    # the provider closes on a request with more than it announced
    monkeypatch.setattr(streams, "write_call", lambda body: b"POST / HTTP/1.1\r\n\r\n" + body)
    with pytest.raises(RigError, match="ended after"):
        streams.read_streams(provider.port, b"more", 1, b"", lambda: None)


def test_calls_go_at_their_rate_and_are_all_answered(play: Play):
    provider = play(make_answer(922))
    before = provider.count()
    assert streams.call_at_rate(provider.port, make_request(1024), 200, 0.2, connections=4) == 40
    wait_until(lambda: provider.count() - before == Counts(4, 40, 0), "the counts", seconds=5)


def test_another_answer_than_200_is_an_error():
    with pytest.raises(RigError, match="500"):
        streams.measure_answer(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")


def test_an_answers_length_is_its_heads_and_its_bodys():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y\r\n\r\n"
    assert streams.measure_answer(head + b"hel") == len(head) + 12


def test_another_body_than_the_wanted_one_is_an_error(play: Play):
    provider = play(make_stream(3, 205))
    with pytest.raises(RigError, match="a stream was"):
        streams.read_streams(provider.port, make_request(1024), 2, provider.script.body + b"x", lambda: None)


def test_a_stream_is_the_same_whatever_its_chunks():
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    assert streams.decode_stream(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") == b"abcde"
    assert streams.decode_stream(head + b"5\r\nabcde\r\n0\r\n\r\n") == b"abcde"
