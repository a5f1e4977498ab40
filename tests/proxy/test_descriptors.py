"""How many descriptors are left."""

import os
from resource import RLIM_INFINITY

from open_llm_proxy.proxy import descriptors
from open_llm_proxy.proxy.descriptors import LAST, RESERVED, descriptors_left


def test_the_newest_number_tells_how_many_are_left(monkeypatch):
    monkeypatch.setattr(descriptors, "getrlimit", lambda _: (1024, 4096))
    assert descriptors_left(3) == 1020
    assert descriptors_left(1023) == 0
    assert descriptors_left(1024 + 5) < 0, "the limit was lowered since"


def test_numbers_are_the_lowest_that_are_free():
    """What the module builds on."""
    opened = [os.dup(0) for _ in range(4)]
    try:
        os.close(opened[1])
        os.close(opened[2])
        assert os.dup(0) == opened[1]
        assert os.dup(0) == opened[2]
    finally:
        for number in opened:
            os.close(number)


def test_without_a_limit_there_are_enough(monkeypatch):
    monkeypatch.setattr(descriptors, "getrlimit", lambda _: (RLIM_INFINITY, RLIM_INFINITY))
    assert descriptors_left(1_000_000) >= RESERVED > LAST
