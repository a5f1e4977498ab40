"""Slow and many: who drips, who does not read, who only waits, who goes; providers that hang; nothing left to open.

Each time the same worker serves the next call, and its memory, sockets and descriptors are back where they were.
"""

import asyncio
import datetime as dt
import re
import resource
import socket
import ssl
import struct
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.attacks import crowd
from tests.attacks.toll import MB, given_back, settle, tell, toll, worker_of
from tests.parts import answers
from tests.parts.http_client import ask, call
from tests.parts.model_upstream import Cut, Hold, ModelUpstream, Pause, run_upstream
from tests.parts.namespaces import own_hosts
from tests.parts.ports import free_port
from tests.parts.processes import wait_until
from tests.parts.proxy import Proxy, provider, run_proxy

from open_llm_proxy.proxy.descriptors import LAST, RESERVED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TIMEOUTS = {"head_s": 1, "body_s": 1, "idle_s": 30, "connect_s": 2, "between_bytes_s": 2, "upstream_idle_s": 0.3}
FEW, MANY = 50, 200


@pytest.fixture(scope="module")
def upstream() -> Iterator[ModelUpstream]:
    with run_upstream() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_scripted(upstream: ModelUpstream) -> None:
    upstream.reset()


@pytest.fixture(scope="module")
def proxy(upstream: ModelUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    # What is kept for the record of what was passed on is memory, too: all together they may keep this much.
    limits = {"buffer_bytes": 16 * MB, "body_bytes": 2 * MB}
    config = {**provider(upstream.endpoint), "timeouts": TIMEOUTS, "limits": limits}
    with run_proxy(tmp_path_factory.mktemp("slow"), config) as running:
        yield running


@contextmanager
def clients(proxy: Proxy, count: int) -> Iterator[list[socket.socket]]:
    made = [socket.create_connection(("127.0.0.1", proxy.port), timeout=10) for _ in range(count)]
    try:
        yield made
    finally:
        for client in made:
            client.close()


def read_all(client: socket.socket) -> bytes:
    data = b""
    try:
        while piece := client.recv(1 << 16):
            data += piece
    except ConnectionError:
        pass
    return data


def read_some(client: socket.socket) -> bytes:
    try:
        return client.recv(1 << 16)
    except ConnectionError:
        return b""


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


# --- slow clients ------------------------------------------------------------------------------------------------


def test_heads_that_drip(proxy):
    with given_back(proxy), clients(proxy, MANY) as slow:
        dripped = iter(b"POST /v1/chat/completions HTTP/1.1\r\nHost: proxy\r\nX-Drip: " + b"x" * 500)
        end = time.monotonic() + 1.5  # past head_s
        while time.monotonic() < end:
            byte = bytes([next(dripped)])
            for client in slow:
                try:
                    client.send(byte)
                except ConnectionError:
                    continue  # it has its 408 already
            time.sleep(0.1)
        assert call(proxy, ask("meanwhile")).status == 200
        assert {read_all(client)[:12] for client in slow} <= {b"HTTP/1.1 408", b""}


def test_heads_that_stop(proxy):
    with given_back(proxy), clients(proxy, MANY) as slow:
        for client in slow:
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: proxy\r\n")
        assert {read_all(client)[:12] for client in slow} == {b"HTTP/1.1 408"}


def test_bodies_that_stop(proxy, upstream):
    with given_back(proxy), clients(proxy, MANY) as slow:
        seen = len(upstream.seen)
        for client in slow:
            client.sendall(crowd.head(1 << 20) + b'{"model":"m"' + b" " * 60_000)
        assert {read_all(client)[:12] for client in slow} == {b"HTTP/1.1 408"}
        assert len(upstream.seen) == seen


def test_readers_that_do_not_read(proxy, upstream):
    size = 8 * MB
    whole = answers.answer(b"x" * size)
    upstream.ordinarily = lambda seen: [whole if b"large" in seen.body else answers.answer(b"{}")]
    with given_back(proxy, memory_mb=64) as pid, clients(proxy, FEW) as slow:
        before = toll(pid).memory_bytes
        for client in slow:
            client.sendall(crowd.request(ask("large")))
        upstream.wait_for_calls(FEW)
        assert call(proxy, ask("meanwhile")).status == 200
        grown = toll(pid).memory_bytes - before
        tell(f"{FEW} readers of {size / MB:g} MB that do not read: {grown / MB:.1f} MB")
        assert grown < FEW * MB


# --- many clients ------------------------------------------------------------------------------------------------


@contextmanager
def run_roomy(folder: Path, endpoint: str) -> Iterator[Proxy]:
    config: dict[str, Any] = {**provider(endpoint), "timeouts": {"idle_s": 600, "upstream_idle_s": 0.3}}
    config["limits"] = {"connections": 20_000}
    with run_proxy(folder, config) as running:
        yield running


IDLE = [2_000, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
STREAMS = [500, pytest.param(5_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])]


@pytest.mark.parametrize("count", IDLE)
def test_connections_that_idle(upstream, tmp_path, count):
    async def idle(proxy: Proxy, pid: int) -> None:
        before = toll(pid).memory_bytes
        waiting = await crowd.connect_all(proxy.port, count, b"GET / HTTP/1.1\r\nHost: proxy\r\n\r\n")
        grown = toll(pid).memory_bytes - before
        tell(f"{count} idle connections: {grown / count / 1024:.1f} KB each")
        assert toll(pid).sockets >= count
        assert grown / count < 16 * 1024
        assert (await asyncio.to_thread(call, proxy, ask("meanwhile"))).status == 200
        await crowd.leave(waiting)

    with (
        crowd.room_for(count + 500),
        run_roomy(tmp_path, upstream.endpoint) as proxy,
        given_back(proxy, memory_mb=16 + count * 0.008) as pid,
    ):
        asyncio.run(idle(proxy, pid))


@pytest.mark.parametrize("count", STREAMS)
def test_streams_at_once(tmp_path, count):
    rounds = 3

    async def stream(folder: Path) -> None:
        streamer = crowd.Streamer()
        await streamer.start()
        context = run_roomy(folder, f"http://127.0.0.1:{streamer.port}/v1/chat/completions")
        proxy = await asyncio.to_thread(context.__enter__)
        checks = given_back(proxy, memory_mb=16 + count * 0.04)
        pid = await asyncio.to_thread(checks.__enter__)
        before = toll(pid).memory_bytes
        going = await crowd.connect_all(proxy.port, count, crowd.request(ask(stream=True)))
        for _ in range(rounds):
            streamer.step()
            await asyncio.sleep(1)  # a chunk a second is what is asked
        grown = toll(pid).memory_bytes - before
        tell(f"{count} streams at once: {grown / count / 1024:.1f} KB each")
        streamer.finish()
        for reader, _ in going:
            text = await reader.readuntil(b"0\r\n\r\n")
            assert text.count(crowd.EVENT) == rounds + 1
            assert crowd.END in text
        await crowd.leave(going)
        await asyncio.to_thread(checks.__exit__, None, None, None)
        await asyncio.to_thread(proxy.calls, count + 2)
        await asyncio.to_thread(context.__exit__, None, None, None)
        await streamer.stop()

    with crowd.room_for(2 * count + 500):
        asyncio.run(stream(tmp_path))


# --- who goes ----------------------------------------------------------------------------------------------------

WHOLE = crowd.request(ask("and go"))
STAGES = {
    "at once": b"",
    "in the head": WHOLE[:40],
    "after the head": crowd.head(1000),
    "in the body": WHOLE[:-5],
    "before the answer": WHOLE,
    "two behind one another": WHOLE * 2,
}


@pytest.mark.parametrize("stage", STAGES)
def test_clients_that_reset(proxy, upstream, stage):
    upstream.ordinarily = lambda seen: [Pause(0.2 if b"and go" in seen.body else 0), answers.answer(b"{}")]
    with given_back(proxy):
        for _ in range(FEW):
            client = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
            client.sendall(STAGES[stage])
            reset(client)


def test_clients_that_reset_in_the_answer(proxy, upstream):
    head, *events = answers.stream(answers.chat_events({"role": "assistant"}, {"content": "x" * 1000}))
    upstream.ordinarily = lambda seen: (
        [head, events[0], Pause(1), *events[1:]] if b"and go" in seen.body else [answers.answer(b"{}")]
    )
    with given_back(proxy):
        for _ in range(FEW):
            client = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
            client.sendall(crowd.request(ask("and go", stream=True)))
            assert client.recv(20).startswith(b"HTTP/1.1 200")
            reset(client)


CUTS = {
    "before the answer": [Cut()],
    "in the head": [b"HTTP/1.1 200 OK\r\ncontent-t", Cut()],
    "after the head": [b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", Cut()],
    "in the body": [b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345", Cut()],
    "in a chunk": [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n12345", Cut()],
}


@pytest.mark.parametrize("stage", CUTS)
def test_providers_that_reset(proxy, upstream, stage):
    upstream.ordinarily = lambda seen: CUTS[stage] if b"cut" in seen.body else [answers.answer(b"{}")]
    with given_back(proxy), clients(proxy, FEW) as asking:
        for client in asking:
            client.sendall(crowd.request(ask("cut"), more="Connection: close\r\n"))
        said = [read_all(client) for client in asking]
        early = stage in {"before the answer", "in the head"}
        assert {data[:12] for data in said} == {b"HTTP/1.1 502" if early else b"HTTP/1.1 200"}
        assert not any(data.endswith(b"\r\n0\r\n\r\n") for data in said), "nobody takes it for whole"


# --- nothing left to open ----------------------------------------------------------------------------------------


def test_descriptors_used_up(upstream, tmp_path):
    config = {**provider(upstream.endpoint), "timeouts": TIMEOUTS}
    port = free_port()
    with run_proxy(tmp_path, config, env={"METRICS_PORT": str(port)}) as proxy, given_back(proxy) as pid:
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (toll(pid).descriptors + RESERVED + 20, before[1]))
        try:
            with clients(proxy, 100) as crowding:
                for client in crowding:
                    client.settimeout(3)
                    client.sendall(b"GET / HTTP/1.1\r\nHost: proxy\r\n\r\n")
                answered = Counter(read_some(client)[:12] for client in crowding)
            assert 10 <= answered[b"HTTP/1.1 200"] <= 20, "those that there is room for"
            assert answered[b"HTTP/1.1 503"] >= RESERVED - LAST - 1, "then those that can be told"
            assert set(answered) <= {b"HTTP/1.1 200", b"HTTP/1.1 503", b""}, "the others are closed, nobody waits"
            settle(proxy)
            wait_until(lambda: call(proxy, ask("still limited")).status == 200, "served within the low limit")
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as scraped:
            counted = re.search(rb"client_connections_refused_total (\d+)", scraped.read())
        assert counted is not None
        assert int(counted[1]) == answered.total() - answered[b"HTTP/1.1 200"]


# --- providers ---------------------------------------------------------------------------------------------------


def test_a_provider_that_never_answers(proxy, upstream):
    hold = Hold(threading.Event())
    upstream.ordinarily = lambda seen: [hold] if b"never" in seen.body else [answers.answer(b"{}")]
    with given_back(proxy), clients(proxy, FEW) as asking:
        for client in asking:
            client.sendall(crowd.request(ask("never"), more="Connection: close\r\n"))
        assert {read_all(client)[:12] for client in asking} == {b"HTTP/1.1 504"}


def test_a_provider_that_never_accepts_tls(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        endpoint = f"https://127.0.0.1:{deaf.getsockname()[1]}/v1/chat/completions"
        with run_proxy(tmp_path, {**provider(endpoint), "timeouts": TIMEOUTS}) as proxy:
            assert call(proxy, ask()).status == 504
            settle(proxy)


def test_a_provider_that_drips(proxy, upstream):
    """A byte at a time, head and body, each within its time: all of it arrives."""
    whole = answers.answer(b'{"slow":1}')
    dripped = [step for byte in whole for step in (Pause(0.02), bytes([byte]))]
    upstream.ordinarily = lambda seen: dripped if b"drip" in seen.body else [whole]
    with given_back(proxy), clients(proxy, FEW) as asking:
        for client in asking:
            client.sendall(crowd.request(ask("drip"), more="Connection: close\r\n"))
        assert all(read_all(client).endswith(b'{"slow":1}') for client in asking)


def test_a_name_that_comes_goes_and_comes(upstream, tmp_path):
    """Without an address: 502. Once it had one, the last good one is kept; http1's test_resolver.py has the clock."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n")
    endpoint = f"http://model.test.invalid:{upstream.port}/v1/chat/completions"
    config = {**provider(endpoint), "timeouts": TIMEOUTS}
    with run_proxy(tmp_path / "run", config, prefix=own_hosts(hosts)) as proxy:
        for _ in range(5):
            assert call(proxy, ask()).status == 502
        hosts.write_text("127.0.0.1 localhost model.test.invalid\n")
        with given_back(proxy):
            hosts.write_text("127.0.0.1 localhost\n")
            settle(proxy)
            assert call(proxy, ask()).status == 200
            hosts.write_text("127.0.0.1 localhost model.test.invalid\n")


def test_a_certificate_that_expires(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    good, expired = authority.issue_cert("localhost"), authority.issue_cert("localhost", not_after=past)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    good.configure_cert(context)
    with run_upstream(context) as secure:
        config = {**provider(secure.endpoint), "timeouts": TIMEOUTS, "ca_file": str(tmp_path / "ca.pem")}
        with run_proxy(tmp_path / "run", config) as proxy, given_back(proxy):
            settle(proxy)
            expired.configure_cert(context)
            for _ in range(10):
                answer = call(proxy, ask())
                assert answer.status == 502
                assert re.search("certificate", answer.body.decode(), re.IGNORECASE)
            good.configure_cert(context)
            assert call(proxy, ask()).status == 200
            assert worker_of(proxy)
