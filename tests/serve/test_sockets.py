import contextlib
import errno
import resource
import socket

import pytest

from open_llm_proxy.errors import UserError
from open_llm_proxy.serve import sockets
from open_llm_proxy.serve.sockets import (
    bind_demo_socket,
    bind_worker_sockets,
    listen,
    port_of,
    raise_open_file_limit,
    url_of,
)

LOOPBACK = "127.0.0.1"


@pytest.fixture
def bind():
    bound = []

    def bind(host=LOOPBACK, port=0, workers=1):
        made = bind_worker_sockets(host, port, workers)
        bound.extend(made)
        return made

    yield bind
    for made in bound:
        made.close()


def accepted(listener):
    listener.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            count += 1
    return count


def test_workers_share_a_port_and_all_get_connections(bind):
    listeners = bind(workers=3)
    assert len({port_of(listener) for listener in listeners}) == 1
    listen(listeners, LOOPBACK)
    clients = [socket.create_connection(listeners[0].getsockname()) for _ in range(64)]
    shares = [accepted(listener) for listener in listeners]
    for client in clients:
        client.close()
    assert sum(shares) == 64
    assert all(shares)


def test_where_ports_are_not_shared_workers_share_the_socket(bind, monkeypatch):
    monkeypatch.setattr(sockets, "SHARES_PORTS", False)
    first, second = bind(workers=2)
    assert first is second


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_that_is_listened_on_is_refused(bind, workers):
    first = bind(workers=2)
    listen(first, LOOPBACK)
    with pytest.raises(UserError, match=rf"port {port_of(first[0])} on 127\.0\.0\.1 is in use"):
        bind(port=port_of(first[0]), workers=workers)


def test_of_two_that_bound_at_the_same_time_one_is_refused(bind):
    first = bind()
    second = bind(port=port_of(first[0]))
    listen(first, LOOPBACK)
    with pytest.raises(UserError, match="in use"):
        listen(second, LOOPBACK)


def test_connections_in_time_wait_are_no_reason_to_refuse(bind):
    (first,) = bind()
    listen([first], LOOPBACK)
    client = socket.create_connection(first.getsockname())
    ours, _ = first.accept()
    ours.close()  # the side that closes first waits
    assert client.recv(1) == b""
    client.close()
    port = port_of(first)
    first.close()
    listen(bind(port=port), LOOPBACK)


@pytest.mark.parametrize(
    ("host", "said"),
    [("192.0.2.1", "192.0.2.1 is no address of this machine"), ("no.such.host.invalid", "no address is known")],
)
def test_hosts_that_are_not_ours(bind, host, said):
    with pytest.raises(UserError, match=said) as caught:
        bind(host=host)
    assert "--host" in caught.value.remedy


@pytest.mark.parametrize(
    ("number", "said"), [(errno.EACCES, "may not listen on port 80"), (errno.ENOBUFS, "can't listen on")]
)
def test_other_reasons_are_said_too(bind, monkeypatch, number, said):
    def refuse(*_, **__):
        raise OSError(number, "no")

    monkeypatch.setattr(sockets, "_bind", refuse)
    with pytest.raises(UserError, match=said):
        bind(port=80)


def test_a_name_is_bound_at_its_ipv4_address(bind):
    assert bind(host="localhost")[0].getsockname()[0] == LOOPBACK


def test_any_address_of_ipv6_takes_ipv4_as_well(bind):
    try:
        (listener,) = bind(host="::")
    except UserError as error:
        pytest.skip(str(error))
    listen([listener], "::")
    socket.create_connection((LOOPBACK, port_of(listener))).close()


def test_the_demo_socket_is_on_loopback_and_listens():
    with bind_demo_socket() as listener:
        assert listener.getsockname()[0] == LOOPBACK
        socket.create_connection(listener.getsockname()).close()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8002"),
        ("::", "http://127.0.0.1:8002"),
        ("10.0.0.7", "http://10.0.0.7:8002"),
        ("::1", "http://[::1]:8002"),
        ("localhost", "http://localhost:8002"),
    ],
)
def test_the_url_is_one_that_works_here(host, url):
    assert url_of(host, 8002) == url


def test_the_limit_on_open_files_is_raised(monkeypatch):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        assert raise_open_file_limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_limit_that_can_not_be_raised_stays(monkeypatch):
    def refuse(*_):
        raise ValueError

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_open_file_limit() == 256
