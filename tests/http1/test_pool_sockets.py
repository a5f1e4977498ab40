"""A pool's connections over real sockets, with TLS and without."""

import asyncio
import gc
import socket
import ssl
from typing import Any

import pytest
import trustme

from open_llm_proxy.http1.limits import EngineLimits
from open_llm_proxy.http1.pool import Origin, Pool
from open_llm_proxy.http1.resolver import Resolver
from open_llm_proxy.http1.tls import make_client_context

REQUEST = b"GET / HTTP/1.1\r\nHost: p\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Provider(asyncio.Protocol):
    """Answers each request on as many connections as are made."""

    connections = 0

    def connection_made(self, transport: Any):
        self.transport = transport
        type(self).connections += 1

    def data_received(self, data):
        assert data == REQUEST
        self.transport.write(ANSWER)


class Call:
    body: bytes | None = None
    failed: Exception | None = None

    def on_connection(self, connection):
        connection.send(self, REQUEST, b"")

    def on_connect_failed(self, error):
        self.failed = error

    def on_whole(self, _head, body):
        self.body = body

    def on_response(self, _head, _length, pieces, done):
        assert done
        self.body = b"".join(pieces)

    def on_failed(self, error, _retryable):
        raise error


@pytest.fixture
def provider(monkeypatch):
    monkeypatch.setattr(Provider, "connections", 0)
    return Provider


def make_real(net, origin):
    return Pool(net.loop, origin, EngineLimits(), Resolver(net.loop))


def ask(net, pool):
    call = Call()
    idle = pool.take_idle()
    if idle is None:
        pool.wait(call)
    else:
        call.on_connection(idle)
    net.until(lambda: call.body is not None or call.failed)
    return call


def test_calls_go_over_one_connection(net, provider):
    pool = make_real(net, Origin("127.0.0.1", net.serve(provider), None))
    assert [ask(net, pool).body for _ in range(5)] == [b"hello"] * 5
    assert provider.connections == 1
    pool.close()
    net.settle()


def test_a_port_where_nobody_listens(net):
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    call = ask(net, make_real(net, Origin("127.0.0.1", sock.getsockname()[1], None)))
    sock.close()
    assert isinstance(call.failed, ConnectionRefusedError)


def test_a_failure_leaves_no_cycle(net):
    """A provider that is down, and is asked all day: else each call would wait for a rare collection."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        pool = make_real(net, Origin("127.0.0.1", sock.getsockname()[1], None))
        ask(net, pool)
        gc.collect()
        assert isinstance(ask(net, pool).failed, ConnectionRefusedError)
        net.settle()
        assert gc.collect() == 0


@pytest.mark.parametrize(("name", "good"), [("127.0.0.1", True), ("other.example", False)])
def test_tls_is_verified_for_the_name(net, provider, tmp_path, name, good):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(server)
    port = net.serve(provider, ssl=server)
    pool = make_real(net, Origin("127.0.0.1", port, make_client_context(str(tmp_path / "ca.pem"))))
    call = ask(net, pool)
    if good:
        assert call.body == b"hello"
    else:
        assert isinstance(call.failed, ssl.SSLCertVerificationError)
        assert pool.idle == 0
    pool.close()
    net.settle()
