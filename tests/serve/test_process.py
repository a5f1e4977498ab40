import os
import signal
import socket
import sys
import time

import pytest

from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.serve.control import Drain, Ready
from open_llm_proxy.serve.process import Process, Spec, command_of, describe_exit
from open_llm_proxy.telemetry.scoreboard import Scoreboard

SNAPSHOT = Snapshot(config=Config(providers={}), config_sha256="of this test")
PATIENCE_S = 20

TALKING = """
import os, signal, sys
from open_llm_proxy.serve.control import Ready, Refused
from open_llm_proxy.serve.inheritance import Inheritance

inheritance = Inheritance.from_argv(sys.argv[1:])
open_fds = " ".join(os.listdir("/dev/fd"))
blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
snapshot = inheritance.control.receive_snapshot()
inheritance.control.send(Refused(snapshot.config_sha256, open_fds, len(blocked)))
inheritance.control.send(Ready())
print("a stray line")
sys.exit(3)
"""
SLEEPING = "import time; time.sleep(600)"


def spec_of(code, role="worker", listener=None):
    _, fd = Scoreboard.create(2)
    return Spec(role, 1, (sys.executable, "-c", code), fd, listener)


@pytest.fixture
def run():
    started = []

    def run(spec, snapshot=SNAPSHOT):
        process = Process(spec, snapshot)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.close()


def listen_to(process):
    """Everything that a process says until it hangs up."""
    said = []
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            said += process.receive()
        except EOFError:
            return said
        time.sleep(0.01)
    pytest.fail("it does not end")


def status_of(process):
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process.poll()


def test_a_child_gets_the_snapshot_and_its_descriptors_and_no_others(run, capfd):
    secret = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(secret, True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener_fd = listener.fileno()
        process = run(spec_of(TALKING, listener=listener))
        refused, ready = listen_to(process)
    os.close(secret)
    assert (refused.message, ready) == ("of this test", Ready())
    descriptors = set(map(int, refused.remedy.split()))
    assert {0, 1, 2, listener_fd} < descriptors
    assert secret not in descriptors
    assert refused.exit_code == 0, "no signal stays blocked"
    assert status_of(process) == 3
    assert "a stray line" not in capfd.readouterr().out


def test_the_recorders_stdout_is_ours(run, capfd):
    process = run(spec_of(TALKING, role="recorder"))
    listen_to(process)
    assert status_of(process) == 3
    assert "a stray line" in capfd.readouterr().out


def test_what_a_busy_child_does_not_take_waits_and_is_dropped_at_its_end(run):
    process = run(spec_of(SLEEPING))
    while not process.needs_a_look:
        process.send(Drain(1))
    process.kill()
    assert status_of(process) == -signal.SIGKILL
    process.flush()
    assert not process.needs_a_look
    process.send(Drain(1))
    assert not process.needs_a_look


def test_a_command_that_is_not_there_leaves_nothing_open(run):
    before = os.listdir("/dev/fd")  # noqa: PTH208 - names are what is counted
    with pytest.raises(FileNotFoundError):
        Process(Spec("worker", 1, ("/no/such/program",), 0), SNAPSHOT)
    assert os.listdir("/dev/fd") == before  # noqa: PTH208


@pytest.mark.parametrize("role", ["worker", "recorder", "demo"])
def test_each_child_of_ours_ends_with_its_channel(run, role, tmp_path):
    snapshot = Snapshot(config=Config(providers={}), config_sha256="", spool_dir=str(tmp_path))
    _, fd = Scoreboard.create(2)
    slot = 0 if role == "recorder" else 1
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = run(Spec(role, slot, command_of(role), fd, None if role == "recorder" else listener), snapshot)
        said = []
        deadline = time.monotonic() + PATIENCE_S
        while not said:
            said += process.receive()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert said == [Ready()]
        process._socket.shutdown(socket.SHUT_RDWR)  # as the kernel does when the supervisor dies
        assert status_of(process) in (0, 1)


def test_ours_import_nothing_from_the_current_folder():
    assert command_of("worker") == (sys.executable, "-P", "-m", "open_llm_proxy.serve.worker")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (0, "ended with status 0"),
        (1, "ended with status 1"),
        (-9, "was killed by SIGKILL"),
        (-1000, "was killed by signal 1000"),
    ],
)
def test_exits_in_words(status, said):
    assert describe_exit(status) == said
