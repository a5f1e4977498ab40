import threading

import pytest

from open_llm_proxy.recorder import shipping
from open_llm_proxy.recorder.outbox import Outbox
from open_llm_proxy.recorder.shipping import FAILING, OK, Shipping
from open_llm_proxy.recorder.sinks import SinkError
from open_llm_proxy.telemetry.scoreboard import (
    FAILED_ATTEMPTS,
    RECORDER_SLOT,
    SHIPPED,
    SHIPPED_FILES,
    STORE_STATE,
)

LINES = (
    b'{"timestamp":"2026-11-25T08:59:59.500000Z","type":"request"}\n'
    b'{"timestamp":"2026-11-25T08:59:59.500000Z","type":"response"}\n'
    b'{"timestamp":"2026-11-25T08:59:59.500000Z","type":"tools"}\n'
)


class Store:
    """Takes files, or fails as told; ``gate`` holds a put up."""

    def __init__(self):
        self.taken, self.tries, self.faults = [], [], {}
        self.down = None
        self.gate = threading.Event()
        self.gate.set()

    def put(self, key, path):
        self.tries.append(key)
        assert self.gate.wait(30)
        fault = self.down or self.faults.get(key)
        if fault == "crash":
            raise ZeroDivisionError
        if fault:
            raise SinkError(fault, f"the store says {fault}")
        self.taken.append((key, path.read_bytes()))


class Bench:
    def __init__(self, kit):
        self.kit = kit
        self.store = Store()
        self.outbox = Outbox(kit.spool)
        self.said = []
        self.over = []
        say, drop = lambda *told: self.said.append(told), lambda *kinds: self.over.append(kinds)
        self.shipping = Shipping(self.outbox, self.store, kit.board, say, drop)

    def add(self, name):
        self.kit.spool.mkdir(exist_ok=True)
        part = self.kit.spool / "part"
        part.write_bytes(LINES)
        self.outbox.add(f"2026-11-25/{name}.jsonl", part, 1)
        self.shipping.kick()

    def names(self):
        return [key.split("/")[1].removesuffix(".jsonl") for key, _ in self.store.taken]


@pytest.fixture
def bench(kit, monkeypatch):
    monkeypatch.setattr(shipping, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(shipping, "LONGEST_PAUSE_S", 0.04)
    made = Bench(kit)
    yield made
    made.store.gate.set()
    if made.shipping._thread.is_alive():
        made.shipping._stopped.set()
        made.shipping._hurry.set()
        made.shipping.kick()
        made.shipping._thread.join(20)


def test_files_are_shipped_in_order_and_deleted(bench, kit):
    for name in ("a", "b", "c"):
        bench.add(name)
    bench.shipping.start()
    assert bench.shipping.drain(10)
    assert bench.names() == ["a", "b", "c"]
    assert kit.files() == []
    assert bench.store.taken[0][1] == LINES
    assert [kit.counters[name] for name in (SHIPPED, SHIPPED_FILES, STORE_STATE)] == [6, 3, OK]


def test_while_the_store_is_down_files_wait_and_are_caught_up_in_order(bench, kit, wait_until):
    bench.store.down = "unreachable"
    bench.add("a")
    bench.shipping.start()
    wait_until(lambda: len(bench.store.tries) >= 4)
    bench.add("b")
    assert set(bench.store.tries) == {"2026-11-25/a.jsonl"}
    assert kit.counters[STORE_STATE] == FAILING
    assert kit.counters[FAILED_ATTEMPTS] >= 3
    assert kit.board.text(RECORDER_SLOT) == "the store says unreachable"
    assert len(kit.files()) == 2
    bench.store.down = None
    wait_until(lambda: bench.names() == ["a", "b"])
    wait_until(lambda: kit.counters[STORE_STATE] == OK)
    assert kit.board.text(RECORDER_SLOT) == ""
    kinds = [told[0] for told in bench.said]
    assert set(kinds) == {"unreachable", "store again"}
    assert kinds[-1] == "store again"
    assert "unreachable" in bench.over[-1]  # what was not said of it need not be said any more
    assert set(bench.over[:-1]) == {("store again",)}


def test_the_pause_grows_to_its_bound(bench, wait_until):
    bench.store.down = "slow"
    bench.add("a")
    pauses = []
    for _ in range(5):
        bench.shipping._ship_all()
        pauses.append(bench.shipping._pause_s)
    assert pauses == [0.01, 0.02, 0.04, 0.04, 0.04]
    bench.store.down = None
    bench.shipping._ship_all()
    assert bench.shipping._pause_s == 0


def test_the_pause_does_not_grow_with_the_files_that_are_refused(bench):
    for name in "abcd":
        bench.add(name)
    bench.store.down = "other"
    bench.shipping._ship_all()
    assert len(bench.store.tries) == 4
    assert bench.shipping._pause_s == 0.01


def test_the_pause_is_over_with_the_first_file_that_is_taken(bench):
    bench.add("a")
    bench.store.down = "slow"
    for _ in range(4):
        bench.shipping._ship_all()
    bench.add("b")
    bench.store.down, bench.store.faults = None, {"2026-11-25/b.jsonl": "slow"}
    bench.shipping._ship_all()
    assert bench.names() == ["a"]
    assert bench.shipping._pause_s == 0.01


def test_the_longest_pause_is_thirty_seconds():
    assert shipping.LONGEST_PAUSE_S == 30


def test_a_file_that_is_refused_for_itself_does_not_hold_up_the_others(bench, kit):
    bench.store.faults = {"2026-11-25/a.jsonl": "other", "2026-11-25/c.jsonl": "crash"}
    for name in ("a", "b", "c", "d"):
        bench.add(name)
    bench.shipping._ship_all()
    assert bench.names() == ["b", "d"]
    assert len(kit.files()) == 2
    assert bench.shipping._pause_s > 0
    bench.store.faults = {}
    bench.shipping._ship_all()
    assert bench.names() == ["b", "d", "a", "c"]


def test_a_file_taken_away_by_hand(bench, kit):
    bench.add("a")
    (kit.spool / "outbox/2026-11-25/a.jsonl").unlink()
    bench.shipping._ship_all()
    assert bench.outbox.totals()[0] == 0


def test_a_put_that_takes_long_is_said_while_it_does(bench, kit, wait_until, monkeypatch):
    bench.store.gate.clear()
    bench.add("a")
    bench.shipping.start()
    wait_until(lambda: bench.store.tries)
    bench.shipping.watch()
    assert bench.said == []
    monkeypatch.setattr(shipping, "SLOW_S", 0)
    bench.shipping.watch()
    assert kit.counters[STORE_STATE] == FAILING
    assert "2026-11-25/a.jsonl has been on its way" in kit.board.text(RECORDER_SLOT)
    bench.store.gate.set()
    wait_until(lambda: kit.counters[STORE_STATE] == OK)
    assert [told[0] for told in bench.said] == ["slow", "store again"]
    bench.shipping.watch()
    assert len(bench.said) == 2


def test_the_end_comes_in_time_though_a_put_hangs(bench, kit):
    bench.store.gate.clear()
    bench.add("a")
    bench.add("b")
    bench.shipping.start()
    assert not bench.shipping.drain(0.2)
    assert len(kit.files()) == 2


def test_the_end_does_not_wait_out_a_long_pause(bench, wait_until, monkeypatch):
    monkeypatch.setattr(shipping, "LONGEST_PAUSE_S", 3600)
    bench.shipping._pause_s = 1800.0
    bench.store.down = "slow"
    bench.add("a")
    bench.shipping.start()
    wait_until(lambda: bench.store.tries)
    bench.store.down = None
    assert bench.shipping.drain(20)


def test_another_sink_from_now_on(bench):
    other = Store()
    bench.shipping.use(other)
    bench.add("a")
    bench.shipping._ship_all()
    assert other.taken
    assert not bench.store.tries


def test_only_requests_and_responses_are_counted_as_shipped(bench, kit):
    kit.spool.mkdir()
    (kit.spool / "part").write_bytes(b'no record could be made:\n{"type":"request"}\n')
    bench.outbox.add("unreadable/2026-11-25/x-1-70.txt", kit.spool / "part", 0)
    bench.shipping._ship_all()
    assert [kit.counters[name] for name in (SHIPPED, SHIPPED_FILES)] == [0, 1]
    bench.add("a")
    bench.shipping._ship_all()
    assert [kit.counters[name] for name in (SHIPPED, SHIPPED_FILES)] == [2, 2]
