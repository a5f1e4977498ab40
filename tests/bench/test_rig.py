from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench.bodies import Script, make_answer, make_request
from bench.certificates import Certificates
from bench.machine import Cores
from bench.patience import Patience
from bench.processes import RigError
from bench.provider import Counts, ScriptedProvider
from bench.rig import Plan, Rig, Sample, Start, check_answer
from bench.sides import Bay, Side


def make_rig(folder: Path, rounds: int) -> Rig:
    bay = Bay(Cores(frozenset({0}), frozenset({1})), folder, ("open-llm-proxy",))
    files = Certificates(folder, folder, folder)
    return Rig(bay, Plan(rounds, 2, 1), folder / "provider", files, Patience(0, frozenset()))


def test_every_side_is_started_once_a_round_and_takes_its_turn_at_the_front(tmp_path: Path):
    order: list[str] = []

    def start(name: str) -> Start:
        @contextmanager
        def started() -> Iterator[Side]:
            order.append(f"+{name}")
            yield Side(name, 0, 0)
            order.append(f"-{name}")

        return started

    results = make_rig(tmp_path, 3).alternate({"a": start("a"), "b": start("b")}, lambda side: side.name * 2)
    assert results == {"a": ["aa"] * 3, "b": ["bb"] * 3}
    assert order == ["+a", "-a", "+b", "-b", "+b", "-b", "+a", "-a", "+a", "-a", "+b", "-b"]


def test_a_sample_is_a_difference_told_a_call_and_a_chunk():
    before = Sample(1_000_000, 0, 10.0, Counts(64, 100, 1000))
    after = Sample(1_001_000_000, 1_500_000_000, 12.0, Counts(65, 600, 51_000))
    sample = after - before
    assert sample.us_a_call == 2000
    assert sample.us_a_chunk == 20
    assert sample.calls_a_s == 250
    assert sample.chunks_a_s == 25_000
    assert sample.busy == 0.5
    assert sample.foreign == 0.25
    assert sample.handshakes_a_thousand == 2


def test_the_window_ends_before_the_load():
    plan = Plan(rounds=5, seconds=4, warm_s=1)
    assert plan.give_load_s(0) == 5
    assert plan.give_load_s(1.5) == 7
    assert 0 < plan.window_s < 4


def test_an_answer_that_differs_stops_the_row(play: Callable[..., ScriptedProvider]):
    provider = play(make_answer(922))
    check_answer(provider.port, make_request(1024), provider)
    other = make_answer(950)
    provider.script = Script(other.data, other.ends)
    with pytest.raises(RigError, match="answered 200"):
        check_answer(provider.port, make_request(1024), provider)


def test_what_others_disturbed_is_measured_again_while_there_is_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    busy_ns = 0
    runs: list[int] = []
    monkeypatch.setattr("bench.accounts.read_busy_ns", lambda _: busy_ns)

    def measure(side: Side) -> int:
        nonlocal busy_ns
        runs.append(len(runs))
        busy_ns += int(1e9) if len(runs) < 3 else 0  # others work through the first two runs
        return len(runs)

    @contextmanager
    def start() -> Iterator[Side]:
        yield Side("direct", 0, 0)

    rig = replace(make_rig(tmp_path, 1), patience=Patience(100, frozenset({0}), lambda _: None))
    assert rig.alternate({"direct": start}, measure) == {"direct": [3]}
