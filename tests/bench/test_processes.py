import sys
from pathlib import Path

import pytest

from bench import accounts, processes
from bench.machine import find_port

SERVER = """
import socket, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(600)
"""


def test_what_was_started_is_ended_with_its_children(tmp_path: Path):
    port = find_port()
    command = [sys.executable, "-c", SERVER, str(port)]
    with processes.running(command, log=tmp_path / "log", port=port) as pid:
        family = [pid, *accounts.list_descendants(pid)]
        assert len(family) == 2
    assert not processes.is_listening(port)
    assert not any(Path(f"/proc/{pid}/task").exists() and accounts.read_command(pid) for pid in family)


def test_a_command_that_ends_shows_its_log(tmp_path: Path):
    command = [sys.executable, "-c", "import sys; sys.exit('no such luck')"]
    with (
        pytest.raises(processes.RigError, match="no such luck"),
        processes.running(command, log=tmp_path / "log", port=find_port()),
    ):
        pass


def test_waiting_has_an_end():
    with pytest.raises(processes.RigError, match="the sun not within"):
        processes.wait_until(lambda: False, "the sun", seconds=0.05)
