import sys

import pytest

from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.serve.child import LIVED_S, Backoff, Child
from open_llm_proxy.serve.control import Stop
from open_llm_proxy.serve.process import Spec
from open_llm_proxy.telemetry.scoreboard import Scoreboard

SNAPSHOT = Snapshot(config=Config(providers={}), config_sha256="")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def child(clock):
    _, fd = Scoreboard.create(1)
    child = Child(Spec("worker", 1, (sys.executable, "-c", "input()"), fd), clock)
    yield child
    child.kill()
    if child.process is not None:
        child.process.close()


def test_the_first_death_costs_no_time_then_ever_more_up_to_a_second():
    backoff = Backoff()
    assert [backoff.next_delay_s(0.1) for _ in range(7)] == [0, 0.1, 0.2, 0.4, 0.8, 1, 1]


def test_a_child_that_lived_a_while_is_started_again_at_once():
    backoff = Backoff()
    for _ in range(4):
        backoff.next_delay_s(0)
    assert backoff.next_delay_s(LIVED_S) == 0
    assert backoff.deaths == 1


def test_a_child_is_due_at_first_and_when_its_delay_is_over(child, clock):
    assert child.is_due()
    for delay_s in (0, 0.1, 0.2):
        assert child.note_death(successor=True) == delay_s
        assert child.is_due() == (delay_s == 0)
        clock.now += delay_s
        assert child.is_due()


def test_a_child_without_a_successor_is_never_due(child, clock):
    child.note_death(successor=False)
    clock.now += 1000
    assert not child.is_due()


def test_a_running_child_is_not_due(child):
    child.start(SNAPSHOT)
    assert not child.is_due()
    assert child.name == "worker 1"


def test_ready_is_of_a_process_ever_ready_of_the_slot(child):
    assert not child.ever_ready
    child.note_ready()
    assert child.ready
    child.note_death(successor=True)
    assert not child.ready
    assert child.ever_ready


def test_a_slot_between_two_processes_takes_messages_in_silence(child):
    child.send(Stop())
    child.kill()
    assert child.process is None
