import socket

import pytest

from bench import machine


def test_the_first_core_is_for_what_is_measured():
    cores = machine.Cores.share_out({2, 0, 5})
    assert (cores.measured, cores.others) == ({0}, {2, 5})


def test_one_core_is_not_enough():
    with pytest.raises(ValueError, match="two cores"):
        machine.Cores.share_out({3})


def test_a_port_is_free():
    with socket.socket() as server:
        server.bind(("127.0.0.1", machine.find_port()))


def test_the_machine_is_described():
    facts = machine.describe()
    assert {"cpu", "cores", "kernel", "python", "nginx", "wrk", "commit"} == set(facts)
    assert all(facts.values())
