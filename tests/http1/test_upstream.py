"""A connection to a provider: one call at a time, each told once how it ended."""

from typing import Any

import pytest

from open_llm_proxy.http1.errors import UpstreamProtocolError
from open_llm_proxy.http1.limits import EngineLimits
from open_llm_proxy.http1.upstream import JOIN_BYTES, UpstreamConnection

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HEAD = b"POST / HTTP/1.1\r\nHost: p\r\n\r\n"


def sized(body, fields=b""):
    return OK + b"Content-Length: %d\r\n" % len(body) + fields + b"\r\n" + body


class Call:
    """A ``Receiver`` that notes what it is told."""

    def __init__(self):
        self.told = []
        self.whole = False
        self.chunks = []
        self.body = b""
        self.done = False
        self.failed = None

    def on_response(self, head, length, pieces, done):
        assert not self.told
        self.told.append((head.status, length))
        self._take(pieces, done)

    def on_whole(self, head, body):
        assert not self.told
        self.told.append((head.status, len(body)))
        self.whole = True
        self._take([body], done=True)

    def on_chunk(self, piece, chunk):
        self.chunks.append(chunk)
        self.on_body([piece], done=False)

    def on_body(self, pieces, done):
        assert self.told
        assert pieces or done
        self._take(pieces, done)

    def _take(self, pieces, done):
        assert not self.done
        assert self.failed is None
        assert all(pieces) or done
        self.body += b"".join(pieces)
        self.done = done

    def on_failed(self, error, retryable):
        assert not self.done
        assert self.failed is None
        self.failed = error, retryable


class Pool:
    """Notes what comes back; ``next_call`` is sent at once on a connection that does."""

    def __init__(self):
        self.limits = EngineLimits()
        self.released = []
        self.forgotten = []
        self.next_call = None

    def release(self, connection):
        self.released.append(connection)
        call, self.next_call = self.next_call, None
        if call is not None:
            connection.send(call, HEAD, b"")

    def forget(self, connection):
        self.forgotten.append(connection)


class Wire:
    """A connection on a fake transport, from the provider's side."""

    def __init__(self, loop, make_transport):
        self.loop = loop
        self.pool: Any = Pool()
        self.connection = UpstreamConnection(self.pool)
        self.transport = make_transport(self.connection)
        self.connection.connection_made(self.transport)

    def call(self, body=b""):
        call = Call()
        self.connection.send(call, HEAD, body)
        return call

    def send(self, *parts):
        for part in parts:
            self.connection.data_received(part)
        self.loop.run()

    def finish(self):
        """The provider's FIN."""
        assert not self.connection.eof_received()
        self.transport.close()
        self.loop.run()

    def lose(self, error=None):
        self.transport.lose(error)
        self.loop.run()

    @property
    def kept(self):
        return bool(self.pool.released) and not self.transport.closing


@pytest.fixture
def wire(loop, make_transport):
    return Wire(loop, make_transport)


@pytest.fixture
def reused(wire):
    """A connection that has carried a call."""
    wire.call()
    wire.send(sized(b"first"))
    wire.pool.released.clear()
    return wire


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, JOIN_BYTES, JOIN_BYTES + 1, 1 << 20])
def test_head_and_body_go_out_at_once_as_they_are(wire, size):
    body = b"x" * size
    wire.call(body)
    assert wire.transport.written == HEAD + body
    assert wire.transport.writes == 1


# --- answers ---------------------------------------------------------------------------------------------------------

ANSWERS = {
    "a length": (sized(b"hello"), (200, 5), b"hello", True),
    "a length of none": (sized(b""), (200, 0), b"", True),
    "chunked": (CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", (200, None), b"hello", True),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", (204, 0), b"", True),
    "304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", (304, 0), b"", True),
    "1xx before": (b"HTTP/1.1 100 Continue\r\n\r\n" + sized(b"hello"), (200, 5), b"hello", True),
    "connection: close": (sized(b"hello", b"Connection: close\r\n"), (200, 5), b"hello", False),
    "HTTP/1.0": (sized(b"hello").replace(b"/1.1", b"/1.0"), (200, 5), b"hello", False),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_comes_whole_and_once_however_it_is_cut(loop, make_transport, octets, answer):
    data, told, body, kept = answer
    cuts = [[data], octets(data)] + [[data[:at], data[at:]] for at in range(1, len(data))]
    for parts in cuts:
        wire = Wire(loop, make_transport)
        call = wire.call()
        wire.send(*parts)
        assert call.told == [told]
        assert (call.body, call.done, call.failed) == (body, True, None)
        assert len(wire.pool.released) == kept
        assert wire.kept is kept
        assert bool(wire.pool.forgotten) is not kept


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_repeated_answer_is_the_same(reused, answer):
    data, told, body, kept = answer
    for _ in range(3 if kept else 1):
        call = reused.call()
        reused.send(data)
        assert call.told == [told]
        assert (call.body, call.done) == (body, True)
    assert reused.kept is kept


def test_what_repeats_is_told_in_one_piece(reused):
    for body in (b"hello", b"", b"x" * 100):
        call = reused.call()
        reused.send(sized(body))
        assert call.whole
        assert call.body == body


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_what_has_no_body_is_never_told_as_a_whole_one(reused, status):
    """Whoever is told so would send a length on, which these must not have (RFC 9110 §8.6)."""
    for _ in range(2):
        call = reused.call()
        reused.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        assert call.done
        assert not call.whole


def test_an_end_is_told_at_once_though_the_request_is_not_all_out(wire):
    wire.transport.stuck = True
    call = wire.call(b"x" * 100000)
    wire.send(OK + b"\r\nhello")
    wire.finish()
    assert not wire.transport.lost
    assert (call.body, call.done) == (b"hello", True)


def test_pieces_are_told_as_they_come(wire):
    call = wire.call()
    wire.send(CHUNKED)
    assert (call.told, call.body, call.done) == ([(200, None)], b"", False)
    wire.send(b"3\r\nhe")
    assert call.body == b"he"
    wire.send(b"l\r\n2\r\nlo\r\n")
    assert (call.body, call.done) == (b"hello", False)
    assert wire.pool.released == []
    wire.send(b"0\r\n\r\n")
    assert call.done
    assert wire.kept


def test_a_chunk_that_comes_alone_is_told_with_its_framing(wire):
    wire.call()
    wire.send(CHUNKED, b"3\r\nabc\r\n0\r\n\r\n")  # from here on its size line is known
    call = wire.call()
    wire.send(CHUNKED, b"3\r\ndef\r\n")
    assert call.chunks == [b"3\r\ndef\r\n"]
    wire.send(b"3\r\nghi\r\n3\r\njkl\r\n", b"3\r\nmn", b"o\r\n", b"3;x\r\npqr\r\n")
    assert len(call.chunks) == 1
    wire.send(b"3\r\nstu\r\n")
    assert call.chunks[1:] == [b"3\r\nstu\r\n"]
    wire.send(b"0\r\n\r\n")
    assert (call.body, call.done) == (b"defghijklmnopqrstu", True)
    assert wire.kept


def test_an_answer_without_length_ends_with_the_connection(wire):
    call = wire.call()
    wire.send(OK + b"\r\nhel", b"lo")
    assert (call.told, call.body, call.done) == ([(200, None)], b"hello", False)
    wire.finish()
    assert call.done
    assert wire.pool.released == []


def test_an_answer_without_length_that_is_reset_is_not_whole(wire):
    call = wire.call()
    wire.send(OK + b"\r\nhello")
    wire.lose(ConnectionResetError("reset"))
    assert not call.done
    assert call.failed[1] is False
    assert "reset" in str(call.failed[0])


@pytest.mark.parametrize("junk", [b"!", sized(b"another")])
@pytest.mark.parametrize("answer", [sized(b"hello"), CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"])
def test_junk_behind_an_answer_closes_the_connection(wire, answer, junk):
    call = wire.call()
    wire.send(answer + junk)
    assert (call.body, call.done, call.failed) == (b"hello", True, None)
    assert wire.pool.released == []
    assert wire.transport.closing


def test_junk_behind_a_repeated_answer_closes_the_connection(reused):
    call = reused.call()
    reused.send(sized(b"hello") + b"!")
    assert (call.body, call.done) == (b"hello", True)
    assert reused.pool.released == []
    assert reused.transport.closing


@pytest.mark.parametrize("data", [b"!", b"\r\n", sized(b"for nobody")])
def test_a_byte_on_an_idle_connection_kills_it(reused, data):
    reused.send(data)
    assert reused.transport.closing
    assert reused.connection in reused.pool.forgotten


def test_an_end_of_an_idle_connection_takes_it_out_of_the_pool(reused):
    reused.finish()
    assert reused.connection in reused.pool.forgotten


@pytest.mark.parametrize("answer", [sized(b"hello"), CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"])
@pytest.mark.parametrize("at", [0, 10, -1])
def test_the_next_call_may_go_out_before_the_last_is_told(reused, answer, at):
    """A waiter uses the connection at once, from within ``release``."""
    first = reused.call()
    second = reused.pool.next_call = Call()
    reused.send(*filter(None, (answer[:at], answer[at:])))
    assert (first.body, first.done) == (b"hello", True)
    assert second.told == []
    reused.send(sized(b"for the second"))
    assert (second.body, second.done) == (b"for the second", True)


# --- failures --------------------------------------------------------------------------------------------------------


def end(wire, how):
    if how == "fin":
        wire.finish()
    elif how == "reset":
        wire.lose(ConnectionResetError("reset"))
    else:
        wire.lose()


@pytest.mark.parametrize("how", ["fin", "reset", "lost"])
def test_a_reused_connection_that_closes_before_any_byte_may_be_tried_again(reused, how):
    """RFC 9112 §9.3.1: the provider closed it as idle, most likely; it has seen nothing of the call."""
    call = reused.call()
    end(reused, how)
    error, retryable = call.failed
    assert isinstance(error, UpstreamProtocolError)
    assert retryable


def test_a_reused_connection_that_has_closed_in_the_meantime(reused):
    reused.transport.close()
    call = reused.call()
    assert call.failed[1]
    reused.loop.run()


@pytest.mark.parametrize("how", ["fin", "reset", "lost"])
def test_a_new_connection_that_closes_before_any_byte_may_not(wire, how):
    call = wire.call()
    end(wire, how)
    assert call.failed[1] is False


@pytest.mark.parametrize("how", ["fin", "reset", "lost"])
@pytest.mark.parametrize(
    "begun", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", OK, sized(b"hello")[:-1], CHUNKED + b"0\r\n"]
)
def test_once_a_byte_has_come_nothing_is_tried_again(reused, begun, how):
    call = reused.call()
    reused.send(begun)
    end(reused, how)
    assert call.failed[1] is False
    assert not call.done
    assert reused.pool.released == []


@pytest.mark.parametrize("data", [b"no HTTP", OK + b"X : y\r\n\r\n", CHUNKED + b"no chunk\r\n"])
def test_a_provider_that_breaks_http_fails_the_call_and_the_connection(reused, data):
    call = reused.call()
    reused.send(data)
    assert isinstance(call.failed[0], UpstreamProtocolError)
    assert call.failed[1] is False
    assert reused.transport.closing
    assert reused.connection in reused.pool.forgotten
    reused.send(b"more of it")


def test_a_call_that_is_cancelled_hears_no_more(wire):
    call = wire.call()
    wire.send(CHUNKED + b"5\r\nhello\r\n")
    wire.connection.cancel()
    wire.send(b"5\r\nhello\r\n0\r\n\r\n")
    assert wire.transport.aborted
    assert (call.body, call.done, call.failed) == (b"hello", False, None)
    assert wire.pool.released == []
    assert wire.connection in wire.pool.forgotten


# --- faults of ours --------------------------------------------------------------------------------------------------

FAULT = ZeroDivisionError("a fault of ours")


class Faulty(Call):
    """A ``Receiver`` with a fault in one of its callbacks."""

    def __init__(self, callback):
        super().__init__()
        self.faults = []
        setattr(self, callback, self.fail)

    def fail(self, *_, **__):
        raise FAULT

    def on_fault(self, error):
        self.faults.append(error)


@pytest.mark.parametrize(
    ("callback", "parts"),
    [
        ("on_response", [CHUNKED]),
        ("on_response", [sized(b"hello")[:-1]]),
        ("on_body", [sized(b"hello")[:-2], b"l"]),
        ("on_body", [CHUNKED, b"5\r\nhel"]),
        ("on_chunk", [CHUNKED, b"5\r\nhello\r\n", b"5\r\nhello\r\n"]),
        ("on_failed", [b"no HTTP"]),
        ("on_failed", [CHUNKED, b"no chunk\r\n"]),
    ],
)
def test_a_fault_in_the_middle_of_an_answer_ends_the_call_and_its_connection(wire, callback, parts):
    call = Faulty(callback)
    wire.connection.send(call, HEAD, b"")
    wire.send(*parts)
    assert call.faults == [FAULT]
    assert wire.transport.closing
    assert wire.connection in wire.pool.forgotten
    assert wire.pool.released == []
    told = list(call.told)
    wire.send(b"more of it")
    assert (call.faults, call.told) == ([FAULT], told), "a call that ended hears no more"


@pytest.mark.parametrize(("callback", "answer"), [("on_response", sized(b"hello")), ("on_whole", sized(b"first"))])
def test_a_fault_at_a_whole_answer_leaves_the_connection_to_the_next_call(reused, wire, callback, answer):
    following = wire.pool.next_call = Call()
    call = Faulty(callback)
    wire.connection.send(call, HEAD, b"")
    wire.send(*([answer] if callback == "on_whole" else [answer[:9], answer[9:]]))
    assert call.faults == [FAULT]
    assert wire.kept
    wire.send(sized(b"for the next"))
    assert (following.body, following.done) == (b"for the next", True)


@pytest.mark.parametrize(("callback", "begun"), [("on_body", OK + b"\r\nhello"), ("on_failed", OK)])
def test_a_fault_at_the_providers_end_ends_the_call(wire, callback, begun):
    call = Faulty(callback)
    wire.connection.send(call, HEAD, b"")
    wire.send(begun)
    if callback == "on_body":
        assert call.told == [(200, None)]
    wire.finish()
    assert call.faults == [FAULT]
    assert wire.transport.lost


# --- backpressure ----------------------------------------------------------------------------------------------------


def test_reading_is_paused_and_resumed(wire):
    wire.call()
    wire.send(CHUNKED)
    wire.connection.set_reading(False)
    assert not wire.transport.reading
    wire.connection.set_reading(True)
    assert wire.transport.reading


def test_an_idle_connection_is_always_read(reused):
    reused.connection.set_reading(False)
    assert reused.transport.reading


def test_a_closing_connection_is_left_alone(wire):
    wire.call()
    wire.transport.closing = True
    wire.transport.reading = False
    wire.connection.set_reading(True)
    assert not wire.transport.reading
