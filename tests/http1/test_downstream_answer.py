"""How an answer is framed and ended, and that its last byte waits for the turn's frames."""

from socket import SO_LINGER, SOL_SOCKET
from struct import pack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from open_llm_proxy.http1.connection import ResponseReader
from open_llm_proxy.http1.limits import EngineLimits

OK = b"HTTP/1.1 200 OK\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\n\r\n"
OLD_KEPT = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
CLOSING = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "connection", "ends"),
    [
        (GET, b"", False),
        (CLOSING, b"connection: close\r\n", True),
        (OLD, b"connection: close\r\n", True),
        (OLD_KEPT, b"connection: keep-alive\r\n", False),
    ],
)
def test_a_whole_answer(client, request_, connection, ends):
    client.send(request_)
    assert client.answer(b"hello") == OK + connection + b"content-length: 5\r\n\r\nhello"
    assert client.transport.ended is ends


def test_an_old_client_that_stays_is_told_so_each_time(client):
    for body in (b"first", b"hello", b"bye"):
        request = b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        client.send(request)
        assert client.call.body == body
        assert client.answer() == OK + b"connection: keep-alive\r\ncontent-length: 0\r\n\r\n"
    assert client.app.whole_calls == 2
    assert not client.transport.closing


def test_an_answer_without_body(client):
    client.send(GET)
    client.connection.respond(b"HTTP/1.1 204 No Content\r\n", bodyless=True)
    client.loop.run()
    assert client.received() == b"HTTP/1.1 204 No Content\r\n\r\n"
    client.send(GET)
    assert client.answer() == OK + b"content-length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "length", "framing"),
    [
        (GET, None, b"transfer-encoding: chunked\r\n"),
        (CLOSING, None, b"connection: close\r\ntransfer-encoding: chunked\r\n"),
        (GET, 8, b"content-length: 8\r\n"),
        # RFC 9112 §7.2: HTTP/1.0 knows no chunks; what has no length ends with the connection
        (OLD, None, b"connection: close\r\n"),
        (OLD_KEPT, None, b"connection: close\r\n"),
        (OLD_KEPT, 8, b"connection: keep-alive\r\ncontent-length: 8\r\n"),
        (OLD, 8, b"connection: close\r\ncontent-length: 8\r\n"),
    ],
)
def test_an_answer_in_pieces(client, request_, length, framing):
    chunked = b"chunked" in framing
    client.send(request_)
    client.connection.start(OK, length, [b"abc"])
    assert client.received() == OK + framing + b"\r\n" + (b"3\r\nabc\r\n" if chunked else b"abc")
    client.connection.send([b"de", b"fg"])
    assert client.received() == (b"4\r\ndefg\r\n" if chunked else b"defg")
    client.connection.finish([b"h"])
    client.loop.run()
    assert client.received() == (b"1\r\nh\r\n0\r\n\r\n" if chunked else b"h")
    assert client.transport.ended is (b"close" in framing)


def test_an_answer_in_pieces_may_begin_and_end_without_any(client):
    client.send(GET)
    client.connection.start(OK, None, [])
    assert client.received() == OK + b"transfer-encoding: chunked\r\n\r\n"
    client.connection.finish([])
    client.loop.run()
    assert client.received() == b"0\r\n\r\n"
    client.send(GET)
    assert len(client.app.calls) == 2


def test_only_chunked_answers_can_be_made_longer(client):
    client.send(GET)
    client.connection.start(OK, 5, [b"ab"])
    assert not client.connection.can_append
    client.connection.finish([b"cde"])
    client.loop.run()
    client.send(GET)
    client.connection.start(OK, None, [b"ab"])
    assert client.connection.can_append
    client.transport.closing = True
    assert not client.connection.can_append


# --- order -----------------------------------------------------------------------------------------------------------


def test_a_whole_answer_leaves_after_the_commit(app, client):
    client.send(GET)
    client.call.answer(b"hello")
    assert app.journal == []
    client.loop.run()
    assert app.journal == ["commit", ("write", OK + b"content-length: 5\r\n\r\nhello")]


def test_the_last_piece_leaves_after_the_commit_and_the_others_at_once(app, client):
    client.send(GET)
    client.connection.start(OK, None, [b"a"])
    client.connection.send([b"b"])
    assert len(app.journal) == 2
    client.connection.finish([b"c"])
    assert len(app.journal) == 2
    client.loop.run()
    assert app.journal[2:] == ["commit", ("write", b"1\r\nc\r\n0\r\n\r\n")]


def test_a_piece_that_waits_for_the_commit_is_not_overtaken(app, client):
    client.send(GET)
    client.connection.start(OK, None, [b"a"])
    client.connection.send([b"[DONE]"], after_frames=True)
    client.connection.send([b"b"])
    assert len(app.journal) == 1
    client.connection.finish([])
    client.loop.run()
    assert app.journal[1:] == [
        "commit",
        ("write", b"6\r\n[DONE]\r\n"),
        ("write", b"1\r\nb\r\n"),
        ("write", b"0\r\n\r\n"),
    ]


def test_a_piece_that_waits_for_the_commit_is_written_to_nobody_who_has_gone(app, client):
    client.send(GET)
    client.connection.start(OK, None, [])
    client.received()
    client.connection.send([b"[DONE]"], after_frames=True)
    client.transport.lose()
    client.loop.run()
    assert client.received() == b""
    assert app.faults == []


def test_a_chunk_at_hand_is_passed_on_as_it_stands(client):
    client.send(GET)
    client.connection.start(OK, None, [])
    client.received()
    client.connection.send_chunk(b"a", b"1;x\r\na\r\n")
    assert client.received() == b"1;x\r\na\r\n"


@pytest.mark.parametrize(("request_", "length"), [(GET, 1), (OLD, None)])
def test_a_chunk_at_hand_goes_without_its_framing_into_what_is_not_chunked(client, request_, length):
    client.send(request_)
    client.connection.start(OK, length, [])
    client.received()
    client.connection.send_chunk(b"a", b"1\r\na\r\n")
    assert client.received() == b"a"


def test_a_chunk_at_hand_does_not_overtake_what_waits_for_the_commit(app, client):
    client.send(GET)
    client.connection.start(OK, None, [])
    client.connection.send([b"[DONE]"], after_frames=True)
    client.connection.send_chunk(b"b", b"1\r\nb\r\n")
    assert len(app.journal) == 1
    client.loop.run()
    assert app.journal[1:] == ["commit", ("write", b"6\r\n[DONE]\r\n"), ("write", b"1\r\nb\r\n")]


def test_the_next_answer_waits_for_no_commit_of_the_last(app, client):
    client.send(GET)
    client.connection.start(OK, None, [])
    client.connection.send([b"[DONE]"], after_frames=True)
    client.connection.finish([])
    client.loop.run()
    client.send(GET)
    client.connection.start(OK, None, [b"a"])
    client.received()
    client.connection.send([b"b"])
    assert client.received() == b"1\r\nb\r\n"


def test_answers_of_one_turn_share_a_commit(app, connect, loop):
    clients = [connect(app) for _ in range(3)]
    for client in clients:
        client.send(GET)
    for call in app.calls:
        call.answer(b"hello")
    loop.run()
    assert app.journal == ["commit"] + [("write", OK + b"content-length: 5\r\n\r\nhello")] * 3


def test_what_came_at_once_leaves_in_one_write(client):
    client.send(GET)
    client.connection.start(OK, None, [b"a", b"b", b"c"])
    assert client.transport.writes == 1
    client.connection.send([b"d", b"e"])
    assert client.transport.writes == 2
    client.connection.finish([b"f"])
    client.loop.run()
    assert client.transport.writes == 3


# --- broken off ------------------------------------------------------------------------------------------------------


def test_an_answer_that_is_broken_off_has_no_last_chunk(client):
    client.send(GET)
    client.connection.start(OK, None, [b"a"])
    client.connection.abort()
    assert client.received().endswith(b"1\r\na\r\n")
    assert client.transport.aborted
    assert client.transport.sock.options == []


def test_to_http_1_0_an_orderly_end_would_make_it_whole(client):
    """RFC 9112 §6.3: so it is reset."""
    client.send(OLD)
    client.connection.start(OK, None, [b"a"])
    client.connection.abort()
    assert client.transport.sock.options == [(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))]
    assert client.transport.aborted


def test_before_the_next_answer_has_begun_there_is_none_to_break_off(client):
    client.send(OLD_KEPT)
    client.answer()
    client.send(OLD_KEPT)
    client.connection.abort()
    assert client.transport.aborted
    assert client.transport.sock.options == []


def test_one_that_is_gone_is_not_reset_again(client):
    client.send(OLD)
    client.connection.start(OK, None, [b"a"])
    client.transport.lose()
    client.connection.abort()
    assert client.transport.sock.options == []


# --- properties ------------------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.binary(min_size=1, max_size=20), max_size=3), max_size=6),
    st.lists(st.integers(0, 1 << 16), max_size=6),
    st.booleans(),
)
def test_what_is_framed_is_what_a_reader_finds(client, cut, parts, places, known):
    """A round trip through our own two halves, each tested apart."""
    content = b"".join(piece for part in parts for piece in part)
    client.send(GET)
    first, *middle = [part for part in parts if part] or [[]]
    client.connection.start(OK, len(content) if known else None, first)
    for part in middle:
        client.connection.send(part)
    client.connection.finish([])
    client.loop.run()
    reader = ResponseReader(EngineLimits())
    found = [piece for data in cut(client.received(), places) for piece in reader.receive(data)]
    assert b"".join(found) == content
    assert reader.done
    assert reader.reusable
