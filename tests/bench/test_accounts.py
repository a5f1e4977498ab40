import os
import subprocess
import sys

import pytest

from bench import accounts

STATUS = "Name:\tpython\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n"
STAT = """\
cpu  100 1 50 1000 7 0 3 2 0 0
cpu0 60 1 30 500 5 0 2 1 0 0
cpu1 40 0 20 500 2 0 1 1 0 0
intr 12345
"""


def test_schedstat_is_read_in_nanoseconds():
    assert accounts.parse_schedstat("501701 25 2\n") == 501701


def test_a_name_with_spaces_and_parentheses_does_not_hide_the_parent():
    assert accounts.parse_parent("12 (a) b (c) S 34 12 12 0") == 34


def test_memory_is_read_in_bytes():
    assert accounts.parse_kilobytes(STATUS, "VmRSS") == 1 << 20
    with pytest.raises(KeyError):
        accounts.parse_kilobytes(STATUS, "Dirty")


def test_busy_time_of_a_core_leaves_idle_and_waiting_out():
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    assert accounts.parse_busy_ns(STAT, frozenset({0})) == (60 + 1 + 30 + 0 + 2 + 1) * tick_ns
    assert accounts.parse_busy_ns(STAT, frozenset({0, 1})) == (94 + 62) * tick_ns


def test_cpu_time_grows_with_work():
    before = accounts.read_cpu_ns(os.getpid())
    sum(range(1_000_000))
    assert accounts.read_cpu_ns(os.getpid()) > before


def test_resident_memory_is_at_most_its_peak():
    assert 0 < accounts.read_rss_bytes(os.getpid()) <= accounts.read_peak_rss_bytes(os.getpid())


def test_grandchildren_are_descendants():
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", nested], stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        found = accounts.list_descendants(os.getpid())
        assert process.pid in found
        (grandchild,) = accounts.list_descendants(process.pid)
        assert grandchild in found
        assert "input()" in accounts.read_command(grandchild)
        process.communicate(b"\n")


def test_dirt_is_read():
    dirt = accounts.Dirt.read()
    assert dirt.dirty_bytes >= 0
    assert dirt.writeback_bytes >= 0
