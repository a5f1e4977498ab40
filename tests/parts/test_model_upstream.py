"""The scripted provider itself: what it says and keeps is what the tests lean on."""

import socket
import threading
from collections.abc import Iterator

import pytest
from tests.parts import answers
from tests.parts.model_upstream import Cut, Hold, ModelUpstream, Pause, run_upstream

REQUEST = b"POST /v1/x HTTP/1.1\r\nHost: h\r\nX-One: a\r\nContent-Length: 2\r\n\r\n{}"
ANSWER = answers.answer(b"{}")


@pytest.fixture
def upstream() -> Iterator[ModelUpstream]:
    with run_upstream() as running:
        yield running


def connect(upstream: ModelUpstream) -> socket.socket:
    return socket.create_connection(("127.0.0.1", upstream.port), timeout=10)


def read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := connection.recv(count - len(data))):
        data += more
    return data


def test_it_plays_bytes_and_keeps_the_request(upstream: ModelUpstream):
    upstream.play(ANSWER[:9], Pause(0.01), ANSWER[9:])
    upstream.play(ANSWER)
    with connect(upstream) as connection:
        for _ in range(2):
            connection.sendall(REQUEST)
            assert read(connection, len(ANSWER)) == ANSWER
    assert [seen.raw_head + seen.body for seen in upstream.seen] == [REQUEST] * 2
    assert upstream.seen[0].header("x-one") == "a"
    assert not upstream.seen[0].left.is_set()


def test_it_decodes_a_chunked_request(upstream: ModelUpstream):
    upstream.play(ANSWER)
    head = b"POST /v1/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connect(upstream) as connection:
        connection.sendall(head + answers.chunk(b'{"a"') + answers.chunk(b":1}") + answers.chunk(b""))
        assert read(connection, len(ANSWER)) == ANSWER
    assert upstream.seen[0].json() == {"a": 1}


def test_it_notices_that_the_proxy_left(upstream: ModelUpstream):
    upstream.play(Hold(threading.Event()))
    with connect(upstream) as connection:
        connection.sendall(REQUEST)
        seen = upstream.wait_for_calls()
        assert not seen.left.is_set()
    assert seen.left.wait(10)


def test_it_resets(upstream: ModelUpstream):
    upstream.play(ANSWER[:5], Pause(0.05), Cut())
    with connect(upstream) as connection:
        connection.sendall(REQUEST)
        assert read(connection, 5) == ANSWER[:5]
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
