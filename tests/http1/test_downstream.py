"""A client's connection: requests in order, one at a time; answers framed for the version that was asked in."""

import pytest

from open_llm_proxy.http1.limits import LINGER_S, PIPELINE_BYTES

OK = b"HTTP/1.1 200 OK\r\n"
GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def post(body, fields=b"", length=None):
    length = len(body) if length is None else length
    return b"POST / HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n%b" % (fields, length, body)


def sized(body, fields=b""):
    return OK + fields + b"content-length: %d\r\n\r\n%b" % (len(body), body)


@pytest.fixture
def answer_at_once(app):
    """Let the application answer each request from its head alone."""
    app.on_begin = lambda call: call.answer(b"early")


# --- requests and answers --------------------------------------------------------------------------------------------


def test_a_request_and_its_answer(client):
    assert client.send(post(b"hello")) == b""
    assert client.call.head.method == b"POST"
    assert client.call.content_length == 5
    assert client.call.body == b"hello"
    assert client.answer(b"hi") == sized(b"hi")
    assert not client.transport.closing


def test_a_request_byte_by_byte(client, octets):
    client.send(*octets(post(b"hello")))
    assert client.call.body == b"hello"
    assert client.answer(b"hi") == sized(b"hi")


def test_a_chunked_request(client, octets):
    client.send(*octets(CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"))
    assert client.call.body == b"hello"


@pytest.mark.parametrize("whole", [True, False])
def test_many_requests_on_one_connection(client, octets, whole):
    for number in range(5):
        body = b"x" * number
        client.send(*([post(body)] if whole else octets(post(body))))
        assert client.call.body == body
        assert client.answer(body) == sized(body)
    assert len(client.app.calls) == 5


def test_the_head_is_told_before_the_body_has_come(client):
    client.send(post(b"", length=5))
    assert client.call.content_length == 5
    assert client.call.body is None
    client.send(b"hello")
    assert client.call.body == b"hello"


def test_a_repeated_head_has_its_own_length_and_body(client):
    client.send(post(b"hello"))
    client.answer()
    client.send(post(b"bye"))
    assert (client.call.content_length, client.call.body) == (3, b"bye")


def test_what_repeats_is_taken_in_one_piece(client):
    for body in (b"first", b"hello", b"", b"x" * 100):
        client.send(post(body))
        assert client.call.body == body
        client.answer()
    assert client.app.whole_calls == 3


def test_a_request_behind_the_start_of_another_is_not_taken_for_one(client):
    client.send(post(b"hello"))
    client.answer()
    client.send(b"P")
    assert client.send(post(b"hello")).startswith(b"HTTP/1.1 400 No\r\n")
    assert len(client.app.calls) == 1


# --- in order, one at a time -----------------------------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_order_one_at_a_time(client):
    client.send(GET % 1 + GET % 2 + GET % 3)
    for number in (1, 2, 3):
        assert len(client.app.calls) == number
        assert client.call.head.path == b"/%d" % number
        assert client.answer(b"%d" % number) == sized(b"%d" % number)
    assert len(client.app.calls) == 3


@pytest.mark.parametrize("at", [1, 20, len(GET) - 1])
def test_a_pipelined_request_that_was_cut(client, at):
    second = GET % 2
    client.send(GET % 1, second[:at])
    client.answer()
    client.send(second[at:])
    assert client.call.head.path == b"/2"


def test_a_pipelined_request_that_is_malformed_is_refused_after_the_first_answer(client):
    client.send(GET % 1 + b"GET /\n")
    assert client.app.refusals == []
    assert client.answer(b"1").startswith(sized(b"1") + b"HTTP/1.1 400 No\r\n")
    assert [error.status for error in client.app.refusals] == [400]
    assert client.transport.ended


def test_a_client_that_pipelines_without_end_is_paused(client):
    client.send(GET % 1)
    client.send(b"X" * PIPELINE_BYTES)
    assert client.transport.reading
    client.send(b"X")
    assert not client.transport.reading


def test_reading_goes_on_once_the_answer_is_out(client):
    many = GET % 2 * (PIPELINE_BYTES // len(GET % 2) + 2)
    client.send(GET % 1, many)
    assert not client.transport.reading
    client.answer()
    assert client.transport.reading
    assert client.call.head.path == b"/2"


def test_what_follows_a_request_that_closes_is_not_a_request(client):
    closing = (GET % 1).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    client.send(closing + GET % 2, GET % 3)
    assert b"connection: close\r\n" in client.answer()
    client.send(GET % 4)
    assert len(client.app.calls) == 1
    assert client.app.refusals == []


# --- answered early --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("answer_at_once")
def test_an_early_answer_passes_over_a_body_that_is_there(client):
    assert client.send(post(b"hello") + GET % 2) == sized(b"early") + sized(b"early")
    assert client.call.head.path == b"/2"
    assert not client.transport.ended


@pytest.mark.usefixtures("answer_at_once")
@pytest.mark.parametrize(
    "request_",
    [
        post(b"hel", length=5),
        post(b"", length=5),
        CHUNKED,
        CHUNKED + b"5\r\nhel",
        CHUNKED + b"5\r\nhello\r\n0\r\n",
        CHUNKED + b"no chunk\r\n",
    ],
)
def test_an_early_answer_ends_a_connection_whose_body_is_not_there(client, request_):
    assert client.send(request_) == sized(b"early", b"connection: close\r\n")
    assert client.transport.ended
    assert client.send(b"lo" + GET % 2) == b""
    assert len(client.app.calls) == 1


@pytest.mark.usefixtures("answer_at_once")
def test_the_body_of_one_answered_early_is_not_taken_for_a_request(client):
    client.feed(post(b"", length=1000))
    client.feed(GET % 2)
    client.loop.run()
    assert len(client.app.calls) == 1
    assert client.received() == sized(b"early", b"connection: close\r\n")


@pytest.mark.usefixtures("answer_at_once")
def test_whole_requests_are_answered_early_too(client):
    for _ in range(3):
        assert client.send(post(b"hello")) == sized(b"early")
    assert client.call.body is None


def test_an_answer_in_the_middle_of_a_body(client):
    client.send(post(b"hel", length=5))
    assert client.answer(b"late") == sized(b"late", b"connection: close\r\n")
    assert client.transport.ended


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (post(b"x", b"Transfer-Encoding: chunked\r\n"), 400),
        (post(b"x", b"Expect: x\r\n"), 417),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 65536, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100 + b"\r\n", 431),
    ],
)
def test_bad_http_is_refused_and_the_connection_ends(client, request_, status):
    answer = client.send(request_)
    assert answer.startswith(b"HTTP/1.1 %d No\r\nconnection: close\r\n" % status)
    assert client.transport.ended
    assert not client.transport.closing  # lingering: else a reset would take the reason from the client
    assert client.send(GET % 1) == b""
    assert client.later(LINGER_S) == b""
    assert client.transport.aborted


@pytest.mark.parametrize("error", [OSError("not connected"), RuntimeError("closed"), NotImplementedError()])
def test_where_half_a_close_is_not_to_be_had_the_connection_is_closed(client, monkeypatch, error):
    def write_eof():
        raise error

    monkeypatch.setattr(client.transport, "write_eof", write_eof)
    assert client.send(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 No\r\nconnection: close\r\n")
    assert client.transport.lost
    assert not client.transport.aborted
    assert client.app.faults == []


def test_a_bad_body_is_refused_by_its_responder(client):
    client.send(CHUNKED)
    client.call.answers_refusals = True
    assert client.send(b"no chunk\r\n") == b"HTTP/1.1 400 Mine\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    assert client.app.refusals == []
    assert client.call.body is None
    assert client.call.gone == 0


def test_a_bad_body_is_refused_by_the_application_where_its_responder_does_not(client):
    client.send(CHUNKED)
    assert client.send(b"no chunk\r\n").startswith(b"HTTP/1.1 400 No\r\nconnection: close\r\n")
    assert client.call.refused.status == 400


@pytest.mark.parametrize("second", [b"\n", b"more of it", GET % 1, b"X" * 70000])
@pytest.mark.parametrize("first", [b"\n", CHUNKED + b"no chunk\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_read_in_the_turn_of_a_refusal_is_not_refused_again(client, first, second):
    client.feed(first)
    client.feed(second)
    client.loop.run()
    assert client.received().count(b"HTTP/1.1") == 1
    assert len(client.app.refusals) == 1
    assert client.app.faults == []


def test_a_chunked_body_over_the_limit_is_refused(make_app, connect):
    client = connect(make_app(body_bytes=10))
    assert client.send(CHUNKED + b"b\r\n").startswith(b"HTTP/1.1 413 No\r\nconnection: close\r\n")


# --- Expect ----------------------------------------------------------------------------------------------------------

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EXPECT = b"Expect: 100-continue\r\n"


def test_a_client_that_awaits_it_is_told_to_go_on(client):
    assert client.send(post(b"", EXPECT, length=5)) == CONTINUE
    assert client.send(b"hel", b"lo") == b""
    assert client.answer() == sized(b"")


@pytest.mark.parametrize(
    "request_",
    [
        post(b"hello", EXPECT),  # RFC 9110 §10.1.1: may be left out once the body comes
        post(b"hel", EXPECT, length=5),
        post(b"", EXPECT, length=0),
        post(b"", EXPECT, length=5).replace(b"/1.1", b"/1.0"),
        post(b"", length=5),
    ],
)
def test_a_client_that_does_not_wait_is_told_nothing(client, request_):
    assert client.send(request_) == b""


@pytest.mark.usefixtures("answer_at_once")
def test_an_early_answer_takes_the_place_of_100(client):
    assert client.send(post(b"", EXPECT, length=5)) == sized(b"early", b"connection: close\r\n")


def test_the_100_comes_after_the_answer_before(client):
    client.send(GET % 1 + post(b"", EXPECT, length=5))
    assert client.answer(b"1") == sized(b"1") + CONTINUE


# --- too many --------------------------------------------------------------------------------------------------------


def test_a_connection_too_many_is_turned_away(make_app, connect):
    app = make_app(connections=2)
    first, second, third = (connect(app) for _ in range(3))
    first.loop.run()
    assert third.received() == b"HTTP/1.1 503 Full\r\nconnection: close\r\ncontent-length: 4\r\n\r\nfull"
    assert third.transport.ended
    third.send(GET % 1, b"\n")
    assert app.calls == []
    assert app.refusals == []
    for client in (first, second):
        client.send(GET % 1)
        assert client.answer() == sized(b"")
    first.transport.abort()
    first.loop.run()
    assert first.connection not in app.connections


# --- drain -----------------------------------------------------------------------------------------------------------


def drain(app, loop):
    app.draining = True
    for connection in list(app.connections):
        connection.close_if_idle()
    loop.run()


def test_drain_closes_what_carries_nothing(app, connect, loop):
    new, idle = connect(app), connect(app)
    idle.send(GET % 1)
    idle.answer()
    drain(app, loop)
    for client in (new, idle):
        assert client.transport.lost
        assert not client.transport.aborted


def test_drain_serves_what_is_in_flight_and_then_closes(app, connect, loop):
    half_head, body, answering = connect(app), connect(app), connect(app)
    half_head.send(b"GET / HT")
    body.send(post(b"hel", length=5))
    answering.send(GET % 1)
    drain(app, loop)
    assert answering.answer() == sized(b"", b"connection: close\r\n")
    body.send(b"lo")
    assert body.answer() == sized(b"", b"connection: close\r\n")
    half_head.send(b"TP/1.1\r\nHost: a\r\n\r\n")
    assert half_head.answer() == sized(b"", b"connection: close\r\n")
    for client in (half_head, body, answering):
        assert client.transport.ended


def test_an_answer_that_began_before_the_drain_closes_without_a_word(app, client, loop):
    client.send(GET % 1)
    client.connection.start(OK, None, [b"a"])
    drain(app, loop)
    client.connection.finish([b"b"])
    loop.run()
    assert client.received().endswith(b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
    assert client.transport.lost
    assert not client.transport.aborted
