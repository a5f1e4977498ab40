import threading
from collections.abc import Callable

import pytest

from bench.bodies import PATH, make_answer, make_request, make_stream
from bench.peers import load
from bench.peers.texts import read_stream
from bench.processes import RigError
from bench.provider import ScriptedProvider
from bench.streams import write_call

CALL = write_call(make_request(1024, stream=True), {"x-more": "1"})


def test_a_request_bears_what_a_peer_wants():
    head = write_call(b"{}", {"x-more": "1"}, f"{PATH}?call=7").partition(b"\r\n\r\n")[0]
    assert head.startswith(b"POST /v1/chat/completions?call=7 HTTP/1.1\r\n")
    assert b"\r\nx-more: 1\r\n" in head
    assert head.endswith(b"Content-Length: 2")


def test_streams_are_read_whole(play: Callable[..., ScriptedProvider]):
    script = make_stream(5, 200)
    provider = play(script, 1)
    bodies = load.read_streams(provider.port, CALL, 10)
    assert [read_stream(body) for body in bodies] == [read_stream(script.body)] * 10


def test_streams_that_are_none_are_an_error(play: Callable[..., ScriptedProvider]):
    provider = play(make_answer(922))
    with pytest.raises(RigError, match="did not end"):
        load.read_streams(provider.port, CALL, 2, most_s=0.2)


def test_streams_are_held_open_while_they_are_looked_at(play: Callable[..., ScriptedProvider]):
    provider = play(make_stream(1000, 200), 50)
    looks: list[int] = []
    assert load.hold_streams(provider.port, CALL, 20, lambda: looks.append(1)) == 20
    assert looks


def test_calls_are_told_apart_until_the_end(play: Callable[..., ScriptedProvider]):
    provider = play(make_answer(922))
    numbers: list[int] = []
    broken = threading.Event()

    def write(number: int) -> bytes:
        numbers.append(number)
        return b"" if broken.is_set() else write_call(make_request(1024), {}, f"{PATH}?call={number}")

    def end() -> None:
        broken.set()

    answers = load.call_until_broken(provider.port, write, 4, seconds=0.3, end=end, most_s=0.5)
    assert len(answers.heads) > 4
    assert set(answers.heads) <= set(numbers)
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("head", "body", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3", b"ab", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3", b"abc", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", b"3\r\nabc\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK", b"abc", False),
    ],
)
def test_an_answer_is_whole_by_its_length(head: bytes, body: bytes, whole: bool):
    assert load.is_complete(head, body) is whole
