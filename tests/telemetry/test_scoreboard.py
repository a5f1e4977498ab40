import os
import signal
import subprocess
import sys

import pytest

from open_llm_proxy.telemetry import scoreboard
from open_llm_proxy.telemetry.scoreboard import Scoreboard


@pytest.fixture(params=["linux", "darwin"])
def board(request, monkeypatch):
    monkeypatch.setattr(sys, "platform", request.param)
    if request.param == "darwin":
        monkeypatch.delattr(os, "memfd_create")
    made, fd = Scoreboard.create(3)
    monkeypatch.undo()
    yield made, fd
    os.close(fd)


def test_counters_begin_at_zero(board):
    made, _ = board
    assert made.slots == 3
    assert [made.total(counter) for counter in range(scoreboard.SLOT_COUNTERS)] == [0] * scoreboard.SLOT_COUNTERS


def test_every_counter_has_a_place_of_its_own():
    skipped = {"SLOT_COUNTERS", "TEXT_BYTES", "SLOT_BYTES", "RECORDER_SLOT"}
    numbers = [
        value
        for name, value in vars(scoreboard).items()
        if name.isupper() and name not in skipped and isinstance(value, int)
    ]
    assert len(numbers) > 20
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < scoreboard.SLOT_COUNTERS


def test_slots_are_apart_and_totals_sum_them(board):
    made, _ = board
    made.slot(0)[scoreboard.CONNECTIONS_REFUSED] += 1
    made.slot(2)[scoreboard.CONNECTIONS_REFUSED] += 5
    made.slot(1)[scoreboard.SLOT_COUNTERS - 1] = (1 << 64) - 1
    assert [made.slot(index)[scoreboard.CONNECTIONS_REFUSED] for index in range(3)] == [1, 0, 5]
    assert made.total(scoreboard.CONNECTIONS_REFUSED) == 6
    assert made.total(scoreboard.ACCEPTED) == 0
    assert made.text(1) == ""


def test_an_inherited_descriptor_shows_the_same_counters(board):
    made, fd = board
    other = Scoreboard.attach(fd)
    assert other.slots == 3
    made.slot(1)[scoreboard.ACCEPTED] += 2
    other.slot(1)[scoreboard.ACCEPTED] += 3
    assert made.total(scoreboard.ACCEPTED) == other.total(scoreboard.ACCEPTED) == 5


def test_nothing_is_left_on_disk(board):
    _, fd = board
    assert os.fstat(fd).st_nlink == 0


def test_counts_survive_the_kill_of_the_child_that_wrote_them(board):
    made, fd = board
    code = (
        "import os, signal, sys\n"
        "from open_llm_proxy.telemetry import scoreboard as s\n"
        "board = s.Scoreboard.attach(int(sys.argv[1]))\n"
        "board.slot(1)[s.CONNECTIONS_REFUSED] += 7\n"
        "board.set_text(1, 'last words')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for _ in range(2):  # its successor in the slot counts on
        done = subprocess.run(
            [sys.executable, "-c", code, str(fd)],
            pass_fds=[fd],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
        assert done.returncode == -signal.SIGKILL
    assert made.total(scoreboard.CONNECTIONS_REFUSED) == 14
    assert made.text(1) == "last words"


def test_a_text_is_replaced_whole(board):
    made, _ = board
    made.set_text(0, "a long text about the store")
    made.set_text(0, "short")
    assert made.text(0) == "short"
    made.set_text(0, "")
    assert made.text(0) == ""


def test_a_long_text_is_cut_within_its_own_slot(board):
    made, _ = board
    made.slot(1)[0] = 42
    made.set_text(0, "é" * scoreboard.TEXT_BYTES)
    assert made.text(0).startswith("éé")
    assert len(made.text(0)) <= scoreboard.TEXT_BYTES // 2
    assert made.slot(1)[0] == 42
    assert made.text(1) == ""
