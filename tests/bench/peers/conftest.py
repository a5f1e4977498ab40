"""The rig is no installed package: its folder is the repository's."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from bench.peers.result import Kill, Kills, Measured, Result


def make_peer(name: str, **more: object) -> Measured:
    fields = {"language": "C", "version": "1.2", "source": "Debian", "logging": "a log", "key_check": "yes"}
    return Measured(name=name, size_bytes=2_000_000, **{**fields, **more})


@pytest.fixture
def result() -> Result:
    """A run of three peers: ours with its recorder, one that failed at streams, one that could not be run."""
    ours = make_peer("open-llm-proxy")
    for reading, values in {
        "call": [290, 310, 300], "call, recorder": [250, 260, 255], "chunk": [50], "chunk, recorder": [5],
        "memory": [101.5], "streams open": [1000], "memory at rest": [60], "start": [0.5], "p50 at 1": [100, 120],
        "p99 at 1": [150, 150], "call, calls a second": [20000], "p50 at 64": [3000], "p99 at 64": [5000],
    }.items():  # fmt: skip
        ours.values[reading] = [float(value) for value in values]
    other = make_peer("other", language="Go", note="a note")
    other.values = {"call": [30.0], "memory": [500.0], "streams open": [640.0]}
    other.reasons = {"chunk": "failed: RigError: answered 500", "secured call": "no such option"}
    absent = make_peer("absent", absent="cannot be had")
    kills = [
        Kills("open-llm-proxy", "two records", "yes", True, 8, [Kill(1000, 1000), Kill(2000, 2000)]),
        Kills("other", "a log", "no", False, 8, [Kill(1000, 900)]),
        Kills("absent", "", "", False, 8, [], "not run here"),
    ]
    direct = {"p50 at 1": [20.0, 20.0], "p99 at 1": [30.0], "p50 at 64": [1000.0], "p99 at 64": [2000.0]}
    return Result(
        "2026-01-02T03:04:05+00:00", {"cpu": "X"}, "2 rounds", "make it", [ours, other, absent], kills, direct
    )
