import os
import pty
import select
import signal
import subprocess
import sys

from open_llm_proxy.serve.signals import Signals, terminal_is_gone


def test_signals_arrive_as_numbers_and_handlers_come_back():
    before = signal.getsignal(signal.SIGTERM)
    with Signals() as signals:
        assert signals.read() == []
        for number in (signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
        assert select.select([signals], [], [], 10)[0] == [signals]
        assert signals.read() == [signal.SIGTERM, signal.SIGHUP]
    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_swarm_of_signals_blocks_nothing():
    with Signals() as signals:
        for _ in range(3000):
            os.kill(os.getpid(), signal.SIGHUP)
        assert set(signals.read()) == {signal.SIGHUP}


def test_without_a_terminal_there_is_none():
    code = "from open_llm_proxy.serve.signals import terminal_is_gone as gone; raise SystemExit(2 + gone())"
    assert subprocess.run([sys.executable, "-c", code], start_new_session=True, check=False).returncode == 3


def test_with_a_terminal_there_is_one():
    pid, terminal = pty.fork()
    if pid == 0:
        os._exit(2 + terminal_is_gone())
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2
    os.close(terminal)
