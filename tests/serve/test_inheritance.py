import os
import signal
import socket
import subprocess
import sys

import pytest

from open_llm_proxy.errors import UserError
from open_llm_proxy.serve.control import Refused, reader_of_supervisor
from open_llm_proxy.serve.inheritance import Inheritance, InheritanceError, run_child
from open_llm_proxy.telemetry.scoreboard import CONNECTIONS_REFUSED, Scoreboard


@pytest.fixture
def signals():
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, kept)
    yield kept
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def born(signals, monkeypatch):
    """What the supervisor keeps of a child's descriptors, and the child's arguments."""
    monkeypatch.setattr("open_llm_proxy.serve.inheritance.end_with_parent", lambda: None)
    ours, theirs = socket.socketpair()
    board, fd = Scoreboard.create(3)
    yield ours, board, ["--slot", "2", "--control-fd", str(theirs.detach()), "--scoreboard-fd", str(fd)]
    ours.close()
    os.close(fd)


def test_slot_scoreboard_channel_and_listener(born):
    _, board, argv = born
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    child = Inheritance.from_argv([*argv, "--listen-fd", str(listener.detach())])
    child.scoreboard.slot(child.slot)[CONNECTIONS_REFUSED] += 3
    assert board.slot(2)[CONNECTIONS_REFUSED] == 3
    assert child.listener.getsockname() == address
    child.listener.close()
    child.control.close()


def test_a_child_without_a_listener_has_none(born):
    child = Inheritance.from_argv(born[2])
    with pytest.raises(InheritanceError, match="listen-fd"):
        _ = child.listener
    child.control.close()


def test_signals_of_the_group_are_the_supervisors(born, signals):
    child = Inheritance.from_argv(born[2])
    for number in signals:
        os.kill(os.getpid(), number)
        assert signal.getsignal(number) is signal.SIG_IGN
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & set(signals)
    child.control.close()


@pytest.mark.parametrize("argv", [[], ["--slot"], ["--slot", "one"], ["--slot", "1", "--control-fd", "3"]])
def test_a_start_by_hand_is_refused(argv):
    with pytest.raises(InheritanceError):
        Inheritance.from_argv(argv)


def test_a_user_error_goes_to_the_supervisor(born):
    ours, _, argv = born

    kept = []

    def body(inheritance):
        kept.append(inheritance.control)
        raise UserError("full", "Empty it", 5)

    assert run_child(body, argv) == 5
    reader = reader_of_supervisor()
    reader.feed(ours.recv(4096))
    assert reader.next_message() == Refused("full", "Empty it", 5)
    kept[0].close()


def test_the_bodys_exit_status_is_the_childs(born):
    assert run_child(lambda inheritance: inheritance.control.close(), born[2]) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's; elsewhere the channel's end must do")
def test_the_kernel_ends_a_stuck_child_with_its_parent():
    child = (
        "import os, time; from open_llm_proxy.serve.inheritance import end_with_parent; "
        "end_with_parent(); print(os.getpid(), flush=True); time.sleep(600)"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert int(process.stdout.readline()) > 0
        process.kill()
        assert process.stdout.read() == b""  # comes to its end when the child, which holds the pipe, does
