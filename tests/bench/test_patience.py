import pytest

from bench import accounts, patience
from bench.patience import Patience

CORES = frozenset({0, 1})


def watch(monkeypatch: pytest.MonkeyPatch, shares: list[float]) -> None:
    """Let the cores be busy by these shares, look by look."""
    readings = [0.0]
    for share in shares:
        readings += [readings[-1], readings[-1] + share * 0.5e9]
    taken = iter(readings[1:])
    monkeypatch.setattr(accounts, "read_busy_ns", lambda _: next(taken))


def test_it_waits_until_two_looks_in_a_row_are_quiet(monkeypatch: pytest.MonkeyPatch):
    watch(monkeypatch, [1.5, 0.01, 0.8, 0.01, 0.02, 9])
    slept: list[float] = []
    Patience(100, CORES, slept.append).wait_for_quiet()
    assert len(slept) == 5


def test_it_gives_up_when_it_is_spent(monkeypatch: pytest.MonkeyPatch):
    watch(monkeypatch, [1.0] * 10)
    slept: list[float] = []
    waiting = Patience(1.5, CORES, slept.append)
    waiting.wait_for_quiet()
    assert sum(slept) == 1.5
    assert waiting.is_spent


def test_without_patience_it_does_not_even_look(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(accounts, "read_busy_ns", lambda _: pytest.fail("looked"))
    Patience(0, CORES).wait_for_quiet()
    assert 0 < patience.QUIET < 0.1
