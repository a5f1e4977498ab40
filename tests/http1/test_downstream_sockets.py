"""A client's connection on a real loop and real sockets: what only a kernel can show."""

import pytest

from open_llm_proxy.http1.limits import LINGER_BYTES, LINGER_S, PIPELINE_BYTES, EngineLimits

OK = b"HTTP/1.1 200 OK\r\n"
GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSING = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\n\r\n"
READ_BYTES = 1 << 18  # what uvloop reads at once
MUCH = b"x" * (16 << 20)
"""More than the kernel takes for a client that does not read."""


def post(length):
    return b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length


def sized(body, fields=b""):
    return OK + fields + b"content-length: %d\r\n\r\n%b" % (len(body), body)


@pytest.fixture
def asked(net, served):
    """A client whose request has arrived, and the call."""

    def ask(request=GET % 1):
        app, port = served()
        client = net.connect(port)
        client.send(request)
        net.until(lambda: app.calls)
        return client, app.calls[0], app

    return ask


def test_pipelined_requests_are_answered_in_order(net, served):
    app, port = served()
    app.on_begin = lambda call: call.answer(call.head.path)
    client = net.connect(port)
    client.send(b"".join(GET % number for number in range(2000)))
    expected = b"".join(sized(b"/%d" % number) for number in range(2000))
    assert client.receive(len(expected)) == expected


def test_a_turn_commits_once_for_all_that_arrived_and_before_any_answer(net, served):
    app, port = served()
    clients = [net.connect(port) for _ in range(10)]
    net.until(lambda: len(app.connections) == 10)
    app.on_begin = lambda call: (app.journal.append("call"), call.answer(b""))
    for client in clients:
        client.sock.send(GET % 1)  # all of them are readable in one poll
    net.settle()
    assert app.journal == ["call"] * 10 + ["commit"]
    for client in clients:
        assert client.receive(len(sized(b""))) == sized(b"")


def test_a_pipelining_client_is_held_up(net, asked):
    client, call, _ = asked()
    for _ in range(200):
        try:
            client.sock.send(b"X" * 65536)
        except BlockingIOError:
            break
        net.settle()
    else:
        pytest.fail("12 MB were taken from a client that waits for an answer")
    assert PIPELINE_BYTES < len(call.connection._reader.held) <= PIPELINE_BYTES + READ_BYTES


# --- leaving ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("leave", ["close", "shutdown", "reset"])
def test_a_client_that_leaves_is_noticed(net, asked, leave, begun):
    client, call, app = asked()
    if begun:
        call.connection.start(OK, None, [b"a"])
        client.until(b"1\r\na\r\n")
    if leave == "reset":
        client.reset()
    elif leave == "shutdown":
        client.sock.shutdown(1)
    else:
        client.sock.close()
    net.until(lambda: call.gone)
    assert not app.connections


def test_an_answer_that_is_broken_off_is_not_whole(net, asked):
    client, call, _ = asked()
    call.connection.start(OK, None, [b"a"])
    call.connection.abort()
    assert not client.ending().endswith(b"0\r\n\r\n")


def test_an_answer_to_http_1_0_that_is_broken_off_is_reset(net, asked):
    client, call, _ = asked(OLD)
    call.connection.start(OK, None, [b"a"])
    client.until(b"a")
    call.connection.abort()
    with pytest.raises(ConnectionResetError):
        client.ending()


# --- the lingering close ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 413])
def test_a_client_that_sends_a_big_body_reads_why_it_was_refused(net, served, status):
    app, port = served()
    app.on_begin = lambda call: call.answer(b"why", b"HTTP/1.1 %d No\r\n" % status)
    client = net.connect(port)
    client.send(post(len(MUCH)))
    client.send(b"x" * (LINGER_BYTES - READ_BYTES))
    client.sock.shutdown(1)
    expected = b"HTTP/1.1 %d No\r\nconnection: close\r\ncontent-length: 3\r\n\r\nwhy" % status
    assert client.ending() == expected


def test_a_client_that_only_ever_sends_is_broken_off(net, served):
    app, port = served()
    app.on_begin = lambda call: call.answer(b"why", b"HTTP/1.1 413 No\r\n")
    client = net.connect(port)
    client.send(post(len(MUCH)))
    with pytest.raises(ConnectionError):
        client.send(MUCH)
    net.until(lambda: not app.connections)


def test_a_lingering_connection_ends_in_time(net, served):
    app, port = served()
    client = net.connect(port)
    client.send(b"\n")
    assert client.ending().startswith(b"HTTP/1.1 400 No\r\nconnection: close\r\n")
    assert app.connections
    net.later(app, LINGER_S)
    assert not app.connections


# --- slow readers ----------------------------------------------------------------------------------------------------


def test_a_client_that_does_not_read_pauses_the_answer(net, asked):
    client, call, _ = asked()
    call.connection.start(OK, len(MUCH), [MUCH[:1]])
    call.connection.send([MUCH[1:-1]])
    assert call.writable == [False]
    assert client.until(b"\r\n\r\n")
    assert len(client.receive(len(MUCH) - 1)) == len(MUCH) - 1
    net.until(lambda: call.writable == [False, True])
    call.connection.finish([MUCH[-1:]])
    assert client.receive(1) == b"x"
    assert call.gone == 0


def test_a_client_that_never_reads_is_given_up(net, asked):
    _, call, app = asked()
    call.connection.start(OK, len(MUCH), [MUCH[:-1]])
    net.later(app, EngineLimits().send_s)
    net.until(lambda: call.gone)
    assert not app.connections


def test_a_long_last_answer_reaches_a_slow_client(net, asked):
    client, call, app = asked(CLOSING)
    call.answer(MUCH)
    net.settle()
    expected = sized(MUCH, b"connection: close\r\n")
    received = b""
    for share in range(1, 5):  # longer than any lingering close
        received += client.receive(len(expected) * share // 5 - len(received))
        net.later(app, EngineLimits().send_s)
    received += client.ending()
    assert received == expected


def test_who_asks_and_never_reads_is_answered_once(net, served):
    app, port = served()
    app.on_begin = lambda call: call.answer(MUCH)
    client = net.connect(port)
    client.send(GET % 1 + GET % 2)
    net.until(lambda: app.calls)
    net.settle()
    assert len(app.calls) == 1
    assert client.receive(2 * len(sized(MUCH))) == sized(MUCH) * 2
    assert len(app.calls) == 2
