"""Names: cluster DNS fails now and then, and a name that resolved once must not become a 502 for that."""

import asyncio
import socket

import pytest

from open_llm_proxy.http1.resolver import Resolver

AGAIN = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


class Names:
    """A loop's ``getaddrinfo``, and its clock."""

    def __init__(self):
        self.now_s = 0.0
        self.asked = []
        self.answer = []

    def time(self):
        return self.now_s

    async def getaddrinfo(self, host, port, *, type):  # noqa: A002 - the loop's own name for it
        assert type == socket.SOCK_STREAM
        self.asked.append((host, port))
        if isinstance(self.answer, Exception):
            raise self.answer
        return [(socket.AF_INET, type, 6, "", (address, port)) for address in self.answer]


@pytest.fixture
def names():
    return Names()


@pytest.fixture
def resolver(names):
    return Resolver(names)


@pytest.fixture
def resolve(resolver):
    return lambda host="a", port=443: asyncio.run(resolver.resolve(host, port))


def test_all_addresses_in_their_order_each_once(names, resolve):
    names.answer = ["192.0.2.2", "192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert resolve() == ["192.0.2.2", "192.0.2.1", "2001:db8::1"]


def test_a_fresh_answer_is_not_asked_for_again(names, resolve):
    names.answer = ["192.0.2.1"]
    resolve()
    names.now_s += 29
    assert resolve() == ["192.0.2.1"]
    assert len(names.asked) == 1


def test_an_old_answer_is_asked_for_again(names, resolve):
    names.answer = ["192.0.2.1"]
    resolve()
    names.now_s += 31
    names.answer = ["192.0.2.9"]
    assert resolve() == ["192.0.2.9"]


def test_the_last_good_address_is_kept_while_dns_fails(names, resolver, resolve):
    names.answer = ["192.0.2.1"]
    resolve()
    for failures in (1, 2, 3):
        names.now_s += 3600
        names.answer = AGAIN
        assert resolve() == ["192.0.2.1"]
        assert resolver.fallbacks == failures
    names.answer = ["192.0.2.9"]
    assert resolve() == ["192.0.2.9"]


def test_a_name_that_never_resolved_fails_as_dns_says(names, resolver, resolve):
    names.answer = AGAIN
    with pytest.raises(socket.gaierror) as caught:
        resolve()
    assert caught.value is AGAIN
    assert resolver.fallbacks == 0
    names.answer = ["192.0.2.1"]
    assert resolve() == ["192.0.2.1"]


def test_each_name_and_port_has_its_own_answer(names, resolve):
    names.answer = ["192.0.2.1"]
    resolve("a", 443)
    names.answer = ["192.0.2.2"]
    assert resolve("b", 443) == ["192.0.2.2"]
    assert resolve("a", 80) == ["192.0.2.2"]
    assert resolve("a", 443) == ["192.0.2.1"]
    assert names.asked == [("a", 443), ("b", 443), ("a", 80)]


def test_a_numeric_address_resolves_on_a_real_loop(net):
    assert net.run(Resolver(net.loop).resolve("127.0.0.1", 80)) == ["127.0.0.1"]
    assert net.run(Resolver(net.loop).resolve("::1", 80)) == ["::1"]
