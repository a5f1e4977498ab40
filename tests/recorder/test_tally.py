import pytest

from open_llm_proxy.config.snapshot import LogSettings
from open_llm_proxy.recorder import tally as module
from open_llm_proxy.recorder.progress import Progress
from open_llm_proxy.recorder.tally import Tally
from open_llm_proxy.telemetry.scoreboard import (
    IMBALANCE_WINDOWS,
    RECORDED,
    UNREADABLE,
    WINDOW_REQUESTS,
    WINDOW_RESPONSES,
    WINDOWS_CHECKED,
)


class Count:
    """A tally with a clock that only the test moves."""

    def __init__(self, kit, **log):
        self.kit = kit
        self.progress = Progress(kit.folder / "progress")
        self.tally = Tally(kit.counters, self.progress, LogSettings(flush_interval_s=10, **log), kit.said.append)

    def window(self):
        counters = self.kit.counters
        return [counters[name] for name in (WINDOWS_CHECKED, IMBALANCE_WINDOWS, WINDOW_REQUESTS, WINDOW_RESPONSES)]

    def feed(self, requests, responses):
        for number in range(requests):
            self.tally.frame(self.kit.request(number))
        for number in range(responses):
            self.tally.frame(self.kit.response(number))


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        @staticmethod
        def monotonic():
            return Clock.now

    monkeypatch.setattr(module, "time", Clock)
    return Clock


def test_windows_end_at_the_flush_interval(kit, clock):
    count = Count(kit)
    count.feed(3, 2)
    clock.now += 9
    count.tally.tick()
    assert count.window() == [0, 0, 0, 0]
    clock.now += 1
    count.tally.tick()
    assert count.window() == [1, 0, 3, 2]
    count.tally.tick()
    assert count.window() == [1, 0, 3, 2]
    clock.now += 10
    count.tally.tick()
    assert count.window() == [2, 0, 0, 0]


@pytest.mark.parametrize(
    ("requests", "responses", "lag"), [(20, 9, True), (20, 10, False), (19, 0, False), (0, 0, False)]
)
def test_responses_that_lag_are_said(kit, clock, requests, responses, lag):
    count = Count(kit)
    count.feed(requests, responses)
    clock.now += 10
    count.tally.tick()
    assert kit.counters[IMBALANCE_WINDOWS] == lag
    assert bool(kit.said) == lag
    if lag:
        assert "only 9 responses for 20 requests" in kit.said[0]


def test_ended_calls_count_as_responses(kit, clock):
    count = Count(kit)
    count.feed(20, 0)
    count.tally.ended(20)
    clock.now += 10
    count.tally.tick()
    assert count.window() == [1, 0, 20, 20]
    assert kit.counters[RECORDED] == 40


def test_a_slow_completion_is_said(kit):
    count = Count(kit, slow_completion_s=300)
    count.tally.frame(kit.response(1, latency_us=300_000_000))
    assert kit.said == []
    count.tally.frame(kit.response(2, latency_us=301_000_000))
    assert kit.said == ["Slow completion: 301 s for m at p (request 2, status 200)"]


def test_records_that_are_made_again_after_a_kill_count_once(kit):
    count = Count(kit)
    count.feed(5, 5)
    count.tally.finished(4)
    count.progress.close()
    assert kit.counters[RECORDED] == 10
    again = Count(kit)
    assert kit.counters[RECORDED] == 4
    again.feed(3, 3)
    assert kit.counters[RECORDED] == 10


def test_the_count_of_another_serve_takes_nothing_off(kit):
    count = Count(kit)
    count.feed(5, 5)
    count.progress.close()
    kit.counters[RECORDED] = 3  # a new scoreboard, say
    Count(kit)
    assert kit.counters[RECORDED] == 0


def test_unreadable(kit):
    Count(kit).tally.unreadable()
    assert kit.counters[UNREADABLE] == 1


def test_what_a_killed_recorder_had_counted_of_ended_calls_is_counted_again_once(kit):
    count = Count(kit)
    count.feed(1, 0)
    count.tally.ended(2)
    assert kit.counters[RECORDED] == 3
    count.progress.close()  # killed: none of it is in the outbox
    again = Count(kit)
    assert kit.counters[RECORDED] == 0
    again.feed(1, 0)
    again.tally.ended(2)
    again.tally.finished(3)
    again.progress.close()
    Count(kit)
    assert kit.counters[RECORDED] == 3
