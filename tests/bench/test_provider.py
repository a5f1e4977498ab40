import http.client
import socket
from collections.abc import Callable

import pytest

from bench.bodies import HEADERS, PATH, Script, make_answer, make_request, make_stream
from bench.processes import wait_until
from bench.provider import Counts, ScriptedProvider
from bench.rig import check_answer

Play = Callable[..., ScriptedProvider]


@pytest.mark.parametrize("script", [make_answer(922), make_stream(7, 205)], ids=["plain", "stream"])
@pytest.mark.parametrize("pace_ms", [0, 1])
def test_it_plays_its_script_and_counts(play: Play, script: Script, pace_ms: float):
    provider = play(script, pace_ms)
    before = provider.count()
    check_answer(provider.port, make_request(1024), provider)
    # it counts what it has sent, so a moment after the client has it
    wait_until(lambda: provider.count() - before == Counts(1, 1, script.chunks), "the counts", seconds=5)


def test_it_answers_again_on_a_kept_connection_whatever_the_sizes(play: Play):
    provider = play(make_answer(922))
    before = provider.count()
    connection = http.client.HTTPConnection("127.0.0.1", provider.port)
    for size in (1024, 700_000, 1024):
        connection.request("POST", PATH, make_request(size), HEADERS)
        assert connection.getresponse().read() == provider.script.body
    connection.close()
    wait_until(lambda: provider.count() - before == Counts(1, 3, 0), "the counts", seconds=5)


def test_a_request_in_single_bytes_is_answered_once(play: Play):
    provider = play(make_answer(922))
    with socket.create_connection(("127.0.0.1", provider.port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"POST / HTTP/1.1\r\nCONTENT-LENGTH: 5\r\n\r\nhello":
            client.sendall(bytes([byte]))
        answer = client.makefile("rb").read(len(provider.script.data))
    assert answer == provider.script.data


def test_a_client_that_leaves_a_stream_does_not_stop_the_others(play: Play):
    provider = play(make_stream(50, 205), 2)
    with socket.create_connection(("127.0.0.1", provider.port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n")
        assert client.recv(10)
    check_answer(provider.port, make_request(1024), provider)
