"""Connections to one origin: used again last in, first out; made a few at a time; each failure is one call's."""

import socket
import ssl
from typing import Any

import pytest

from open_llm_proxy.http1.limits import EngineLimits
from open_llm_proxy.http1.pool import CONNECTING_AT_ONCE, Origin, Pool

LIMITS = EngineLimits()
ORIGIN = Origin("provider.example", 443, None)
REFUSED = ConnectionRefusedError("refused")
FAULT = ZeroDivisionError("a fault of ours")


class Names:
    """A ``Resolver`` that answers as it is told."""

    def __init__(self):
        self.answer = ["192.0.2.1"]

    async def resolve(self, host, port):
        assert (host, port) == ORIGIN[:2]
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Dialling:
    """A loop whose connections are made when a test says so."""

    def __init__(self, loop, make_transport):
        self._loop = loop
        self._make_transport = make_transport
        self.dialled = []
        self._open = []

    def time(self):
        return self._loop.time()

    def create_task(self, coroutine):
        return self._loop.create_task(coroutine)

    async def create_connection(self, protocol, host, port, **options):
        future = self._loop.create_future()
        self.dialled.append((host, port, options))
        self._open.append((future, protocol))
        return await future

    @property
    def open(self):
        return sum(not future.done() for future, _ in self._open)

    def _next(self):
        return next((future, protocol) for future, protocol in self._open if not future.done())

    def connect(self):
        """The oldest attempt succeeds."""
        future, protocol = self._next()
        connection = protocol()
        transport = self._make_transport(connection)
        connection.connection_made(transport)
        future.set_result((transport, connection))

    def fail(self, error=REFUSED):
        self._next()[0].set_exception(error)


class Waiter:
    def __init__(self):
        self.connection: Any = None
        self.failed: Any = None

    def on_connection(self, connection):
        assert self.connection is None
        assert self.failed is None
        self.connection = connection

    def on_connect_failed(self, error):
        assert self.connection is None
        assert self.failed is None
        self.failed = error


class Faulty(Waiter):
    """A call that fails when it is told of a failure."""

    def on_connect_failed(self, error):
        raise FAULT

    def on_fault(self, error):
        self.failed = error


class Bench:
    def __init__(self, net, make_transport, origin=ORIGIN, limits=LIMITS):
        self.net = net
        self.loop: Any = Dialling(net.loop, make_transport)
        self.names: Any = Names()
        self.made = 0
        self.pool = Pool(self.loop, origin, limits, self.names, self._count)

    def _count(self):
        self.made += 1

    def wait(self, count=1):
        waiters = [Waiter() for _ in range(count)]
        for waiter in waiters:
            self.pool.wait(waiter)
        self.net.settle()
        return waiters

    def connect(self, count=1):
        for _ in range(count):
            self.loop.connect()
            self.net.settle()

    def fail(self, error=REFUSED):
        self.loop.fail(error)
        self.net.settle()

    def connected(self, count):
        """Connections that are in use."""
        waiters = self.wait(count)
        self.connect(count)
        return [waiter.connection for waiter in waiters]

    def idle(self, count):
        connections = self.connected(count)
        for connection in connections:
            self.pool.release(connection)
        return connections

    def end(self):
        self.pool.close()
        while self.pool._waiting:
            self.pool.forsake(self.pool._waiting[0])
        self.net.settle()
        assert not self.pool._connecting


@pytest.fixture
def make_bench(net, make_transport):
    benches = []

    def make(**options):
        benches.append(Bench(net, make_transport, **options))
        return benches[-1]

    yield make
    for bench in benches:
        bench.end()


@pytest.fixture
def bench(make_bench):
    return make_bench()


# --- reuse -----------------------------------------------------------------------------------------------------------


def test_the_connection_used_last_is_taken_first(bench):
    first, second, third = bench.idle(3)
    assert bench.pool.idle == 3
    assert [bench.pool.take_idle() for _ in range(4)] == [third, second, first, None]


def test_a_connection_that_is_closing_is_not_taken(bench):
    first, second = bench.idle(2)
    second.transport.closing = True
    assert bench.pool.take_idle() is first
    assert bench.pool.take_idle() is None


def test_a_connection_that_closes_is_forgotten(bench):
    first, second = bench.idle(2)
    second.close()
    assert bench.pool.idle == 1
    second.connection_lost(None)
    assert bench.pool.take_idle() is first


def test_idle_ones_are_closed_after_their_time(net, bench):
    old, new = bench.connected(2)
    bench.pool.release(old)
    net.loop.ahead_s += LIMITS.upstream_idle_s - 1
    bench.pool.close_idle()  # as the worker's sweep does, a few times a second
    bench.pool.release(new)
    bench.pool.close_idle()
    assert bench.pool.idle == 2
    net.loop.ahead_s += 1
    bench.pool.close_idle()
    assert old.transport.closing
    assert not new.transport.closing
    assert bench.pool.take_idle() is new


def test_the_time_counts_from_the_last_use(net, bench):
    (connection,) = bench.idle(1)
    for _ in range(3):
        net.loop.ahead_s += LIMITS.upstream_idle_s - 1
        bench.pool.close_idle()
        assert bench.pool.take_idle() is connection
        bench.pool.release(connection)


# --- connecting ------------------------------------------------------------------------------------------------------


def test_who_waits_gets_a_new_connection(bench):
    (waiter,) = bench.wait()
    assert bench.loop.dialled == [("192.0.2.1", 443, {"ssl": None, "server_hostname": None})]
    assert waiter.connection is None
    bench.connect()
    assert waiter.connection is not None
    assert bench.pool.idle == 0
    assert bench.made == 1


def test_with_tls_the_name_is_checked_where_the_address_is_dialled(make_bench):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bench = make_bench(origin=ORIGIN._replace(tls=context))
    bench.wait()
    options = {"ssl": context, "server_hostname": "provider.example"}
    assert bench.loop.dialled == [("192.0.2.1", 443, options)]


def test_handshakes_in_progress_are_capped(bench):
    waiters = bench.wait(CONNECTING_AT_ONCE + 10)
    assert bench.loop.open == CONNECTING_AT_ONCE
    bench.connect(3)
    assert bench.loop.open == CONNECTING_AT_ONCE
    assert len(bench.loop.dialled) == CONNECTING_AT_ONCE + 3
    assert sum(waiter.connection is not None for waiter in waiters) == 3
    bench.connect(CONNECTING_AT_ONCE + 7)
    assert all(waiter.connection for waiter in waiters)
    assert bench.loop.open == 0


def test_no_more_are_made_than_are_waited_for(bench):
    bench.wait(2)
    assert bench.loop.open == 2


def test_a_connection_that_becomes_free_serves_who_waits_longest(bench):
    (busy,) = bench.connected(1)
    first, second = bench.wait(2)
    bench.pool.release(busy)
    assert first.connection is busy
    assert second.connection is None
    assert bench.pool.idle == 0
    bench.connect()
    assert second.connection is not None
    bench.connect()
    assert bench.pool.idle == 1


def test_a_burst_served_by_free_connections_stops_dialling(bench):
    connections = bench.connected(4)
    waiters = bench.wait(CONNECTING_AT_ONCE + 4)
    for connection in connections:
        bench.pool.release(connection)
    bench.connect(CONNECTING_AT_ONCE)
    assert all(waiter.connection for waiter in waiters)
    assert bench.loop.open == 0
    assert len(bench.loop.dialled) == 4 + CONNECTING_AT_ONCE


def test_who_no_longer_waits_gets_none(bench):
    first, second = bench.wait(2)
    bench.pool.forsake(first)
    bench.pool.forsake(first)
    bench.connect()
    assert first.connection is None
    assert second.connection is not None
    bench.connect()
    assert bench.pool.idle == 1


# --- failing ---------------------------------------------------------------------------------------------------------


def test_a_failure_fails_one_call(bench):
    first, second = bench.wait(2)
    bench.fail()
    assert first.failed is REFUSED
    assert second.failed is None
    bench.connect()
    assert second.connection is not None
    assert bench.made == 1


def test_after_a_failure_the_others_are_dialled_for(bench):
    waiters = bench.wait(CONNECTING_AT_ONCE + 2)
    for _ in range(CONNECTING_AT_ONCE):
        bench.fail()
    assert [waiter.failed for waiter in waiters] == [REFUSED] * CONNECTING_AT_ONCE + [None] * 2
    bench.connect(2)
    assert all(waiter.connection for waiter in waiters[-2:])


def test_a_failure_that_nobody_waits_for_fails_nobody(bench):
    (waiter,) = bench.wait()
    bench.pool.forsake(waiter)
    bench.fail()
    assert waiter.failed is None
    (waiter,) = bench.wait()
    bench.connect()
    assert waiter.connection is not None


def test_addresses_are_tried_in_turn(bench):
    bench.names.answer = ["2001:db8::1", "192.0.2.1", "192.0.2.2"]
    (waiter,) = bench.wait()
    bench.fail(OSError("unreachable"))
    bench.fail(ssl.SSLError("broken"))
    bench.connect()
    assert waiter.connection is not None
    assert [host for host, _, _ in bench.loop.dialled] == bench.names.answer


def test_when_all_addresses_fail_the_last_ones_error_is_told(bench):
    bench.names.answer = ["192.0.2.1", "192.0.2.2"]
    (waiter,) = bench.wait()
    bench.fail(OSError("unreachable"))
    bench.fail()
    assert waiter.failed is REFUSED


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_NONAME, "unknown"), UnicodeError("label too long")])
def test_a_name_that_does_not_resolve(bench, error):
    bench.names.answer = error
    (waiter,) = bench.wait()
    assert waiter.failed is error


def test_a_name_without_addresses(bench):
    bench.names.answer = []
    (waiter,) = bench.wait()
    assert isinstance(waiter.failed, OSError)


def test_connecting_has_its_time_for_all_addresses_together(make_bench, net):
    bench = make_bench(limits=EngineLimits(connect_s=0.01))
    bench.names.answer = ["192.0.2.1", "192.0.2.2"]
    (waiter,) = bench.wait()
    net.until(lambda: waiter.failed)
    assert isinstance(waiter.failed, TimeoutError)
    assert len(bench.loop.dialled) == 1


# --- faults of ours --------------------------------------------------------------------------------------------------


def test_a_call_that_fails_when_told_of_its_failure_takes_no_other_along(bench):
    faulty = Faulty()
    bench.pool.wait(faulty)
    (other,) = bench.wait()
    bench.fail()
    assert faulty.failed is FAULT
    bench.connect()
    assert other.connection is not None


def test_an_interrupt_while_connecting_is_no_failure_of_a_call(bench, net):
    (waiter,) = bench.wait()
    interrupted = net.loop.create_future()
    interrupted.set_exception(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.pool._connected(interrupted)
    assert waiter.failed is None


# --- closing ---------------------------------------------------------------------------------------------------------


def test_a_pool_that_is_closed_keeps_nothing(bench, net):
    busy, idle = bench.connected(2)
    bench.pool.release(idle)
    (waiter,) = bench.wait()
    bench.pool.forsake(waiter)
    bench.pool.close()
    net.settle()
    assert idle.transport.closing
    assert not busy.transport.closing
    assert not bench.pool._connecting
    bench.pool.release(busy)
    assert busy.transport.closing
    assert bench.pool.idle == 0


def test_who_waits_when_the_pool_is_closed_is_served(bench, net):
    (waiter,) = bench.wait()
    bench.pool.close()
    net.settle()
    net.until(lambda: len(bench.loop.dialled) == 2)
    bench.connect()
    assert waiter.connection is not None
