import os
import select
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.telemetry import diagnostics
from open_llm_proxy.telemetry.diagnostics import Outlet, Throttle


@pytest.fixture
def pipe():
    """Reader and writer; what a test closes it takes out of the list."""
    ends = list(os.pipe())
    yield ends
    for fd in ends:
        os.close(fd)


@pytest.fixture(params=["linux", "darwin"])
def platform(request, monkeypatch):
    """Each of the ways to ask whether a line can go out."""
    monkeypatch.setattr(sys, "platform", request.param)
    if request.param == "darwin":
        monkeypatch.delattr(select, "poll")


class Recorded(Outlet):
    def __init__(self):
        super().__init__(lambda: None)
        self.lines = []

    def say(self, level, message):
        self.lines.append((level, message))
        return True


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_a_line_names_us_and_its_level(capfd):
    diagnostics.say("warning", "no key is configured")
    diagnostics.say("error", "port 8002 is in use")
    diagnostics.say("info", "listening on http://127.0.0.1:8002")
    assert capfd.readouterr().err == (
        "open-llm-proxy: warning: no key is configured\n"
        "open-llm-proxy: error: port 8002 is in use\n"
        "open-llm-proxy: listening on http://127.0.0.1:8002\n"
    )


def test_foreign_text_writes_no_line_of_its_own():
    data = diagnostics.line("warning", "provider said: x\nopen-llm-proxy: error: forged\r\x1b[31m\u2028\u202e\t\x85")
    assert data == (
        b"open-llm-proxy: warning: provider said: x\\nopen-llm-proxy: error: forged\\r\\x1b[31m\\u2028\\u202e\\t\\x85\n"
    )


@given(st.text(alphabet=st.characters(), max_size=6000), st.sampled_from(["info", "warning", "error"]))
def test_any_text_is_one_line_of_valid_utf8_that_a_pipe_takes_at_once(text, level):
    data = diagnostics.line(level, text)
    assert data.count(b"\n") == 1
    assert data.endswith(b"\n")
    assert len(data) <= diagnostics.LINE_BYTES
    assert len(data.decode().splitlines()) == 1


def test_a_lone_surrogate_does_not_break_the_line():
    assert diagnostics.line("info", "cut emoji \ud83d") == b"open-llm-proxy: cut emoji \\ud83d\n"


def test_a_long_message_is_cut_at_a_whole_character():
    data = diagnostics.line("info", "é" * 5000)
    assert data.endswith("é …\n".encode())
    assert diagnostics.LINE_BYTES - 1 <= len(data) <= diagnostics.LINE_BYTES


def test_one_message_is_one_write(pipe, monkeypatch):
    writes = []
    monkeypatch.setattr(diagnostics.os, "write", lambda fd, data: writes.append((fd, data)) or len(data))
    assert Outlet(lambda: pipe[1]).say("info", "whole")
    assert writes == [(pipe[1], b"open-llm-proxy: whole\n")]


@pytest.mark.usefixtures("platform")
def test_a_broken_pipe_raises_nothing_and_is_counted(pipe):
    writer = pipe[1]
    os.close(pipe.pop(0))
    outlet = Outlet(lambda: writer)
    assert not outlet.say("error", "nobody reads")
    assert outlet.left_out == 1


@pytest.mark.usefixtures("platform")
def test_a_closed_descriptor_raises_nothing(pipe):
    writer = pipe.pop()
    os.close(writer)
    assert not Outlet(lambda: writer).say("error", "closed")
    assert not Outlet(lambda: None).say("error", "there is none")


def test_a_closed_stream_raises_nothing():
    def closed():
        raise ValueError("I/O operation on closed file")

    assert not Outlet(closed).say("error", "closed")


@pytest.mark.usefixtures("platform")
def test_a_pipe_that_nobody_reads_never_makes_us_wait_and_the_loss_is_said_later(pipe):
    reader, writer = pipe
    outlet = Outlet(lambda: writer)
    while outlet.say("info", "x" * 1000):  # blocking descriptor: a plain write would hang here
        pass
    outlet.say("info", "also lost")
    assert outlet.left_out == 2
    os.set_blocking(reader, False)
    while True:
        try:
            os.read(reader, 1 << 16)
        except BlockingIOError:
            break
    assert outlet.say("info", "back")
    assert os.read(reader, 1 << 16) == b"open-llm-proxy: back (2 earlier lines could not be written)\n"
    assert outlet.left_out == 0


@pytest.mark.parametrize("redirect", ["2>&-", "2>/dev/full"])
def test_a_process_without_a_usable_stderr_goes_on(redirect):
    code = "from open_llm_proxy.telemetry.diagnostics import say; say('error', 'x'); print('went on')"
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {redirect}', sys.executable, code],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"went on\n")


def test_a_repeated_kind_is_said_once_and_then_with_the_count_of_those_left_out():
    outlet, clock = Recorded(), Clock()
    throttle = Throttle(60, outlet=outlet, clock=clock)
    assert throttle.say("store", "error", "store is down")
    for _ in range(3):
        clock.now += 10
        assert not throttle.say("store", "error", "store is down")
    clock.now += 30
    assert throttle.say("store", "error", "store is still down")
    clock.now += 60
    assert throttle.say("store", "error", "down")
    assert outlet.lines == [
        ("error", "store is down"),
        ("error", "store is still down (and 3 more like it, not shown)"),
        ("error", "down"),
    ]


def test_kinds_do_not_silence_one_another():
    outlet = Recorded()
    throttle = Throttle(60, outlet=outlet, clock=Clock())
    throttle.say("a", "warning", "one")
    throttle.say("b", "warning", "two")
    assert [message for _, message in outlet.lines] == ["one", "two"]


def test_flush_says_what_was_left_out_last():
    outlet, clock = Recorded(), Clock()
    throttle = Throttle(60, outlet=outlet, clock=clock)
    throttle.say("k", "info", "first")
    throttle.say("k", "warning", "second")
    throttle.say("k", "warning", "third")
    throttle.flush()
    assert len(outlet.lines) == 1
    throttle.flush(everything=True)
    throttle.flush(everything=True)
    assert outlet.lines[1:] == [("warning", "third (and 1 more like it, not shown)")]
    throttle.say("k", "warning", "fourth")
    clock.now += 60
    throttle.flush()
    assert outlet.lines[2:] == [("warning", "fourth")]


def test_what_is_over_is_not_said_later():
    outlet = Recorded()
    throttle = Throttle(60, outlet=outlet, clock=Clock())
    for kind in ("down", "down", "full", "full"):
        throttle.say(kind, "warning", f"the store is {kind}")
    throttle.drop("down", "never said")
    throttle.flush(everything=True)
    assert outlet.lines.count(("warning", "the store is down")) == 1
    assert outlet.lines.count(("warning", "the store is full")) == 2


def test_kinds_made_of_foreign_text_do_not_grow_memory():
    outlet = Recorded()
    throttle = Throttle(60, outlet=outlet, clock=Clock())
    for number in range(Throttle.KINDS + 10):
        throttle.say(str(number), "info", "x")
    assert len(throttle._kinds) == Throttle.KINDS
    assert throttle.say("0", "info", "forgotten, so said again")
