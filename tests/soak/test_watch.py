"""The judge of the soak: a leak of little more than a KB a call is found, whatever noise; what only looks like one is not."""

import os
import random
from pathlib import Path

import pytest
from tests.soak.watch import MB, Growth, Sample, descriptors_of, growth_of, sample

SECONDS = 200
CALLS_A_SECOND = 60


def series(bytes_at, noise_bytes=MB, seconds=SECONDS):
    """A process that holds what ``bytes_at`` says for the n-th call, give or take some."""
    rng = random.Random(7)
    calls = [second * CALLS_A_SECOND for second in range(seconds)]
    return [
        Sample(float(number), count, int(bytes_at(count) + rng.uniform(-noise_bytes, noise_bytes)), 20, 1)
        for number, count in enumerate(calls)
    ]


@pytest.mark.parametrize("leak_bytes", [1024, 3000, 20_000])
def test_a_leak_is_found(leak_bytes):
    growth = growth_of(series(lambda calls: 40 * MB + calls * leak_bytes))
    assert growth.is_leak
    assert growth.bytes_a_call == pytest.approx(leak_bytes, rel=0.25)


def test_a_leak_is_found_in_a_long_run_though_it_is_slow():
    assert growth_of(series(lambda calls: 40 * MB + calls * 700, seconds=1800)).is_leak


def test_a_leak_in_steps_is_found():
    """As an allocator shows it that takes a MB at a time."""
    assert growth_of(series(lambda calls: 40 * MB + calls * 2048 // MB * MB, noise_bytes=0)).is_leak


FLAT = {
    "noise": lambda _: 40 * MB,
    "a sawtooth": lambda calls: 40 * MB + calls * 2048 % (4 * MB),
    "a warm-up": lambda calls: 40 * MB + min(calls, SECONDS * CALLS_A_SECOND * 0.25) * 10_000,
    "less and less": lambda calls: 40 * MB - calls * 1000,
    "one more arena": lambda calls: 40 * MB + (calls > 6000) * MB,
}


@pytest.mark.parametrize("shape", FLAT)
def test_what_is_flat_passes(shape):
    assert not growth_of(series(FLAT[shape])).is_leak


def test_peaks_do_not_hide_a_leak_nor_make_one():
    rng = random.Random(3)
    flat, leak = series(lambda _: 40 * MB), series(lambda calls: 40 * MB + calls * 2048)
    for chosen in rng.sample(range(SECONDS), SECONDS // 10):
        for one in (flat, leak):
            one[chosen] = one[chosen]._replace(memory_bytes=one[chosen].memory_bytes + 50 * MB)
    assert not growth_of(flat).is_leak
    assert growth_of(leak).is_leak


def test_a_short_life_is_no_evidence():
    with pytest.raises(ValueError, match="say nothing"):
        growth_of(series(lambda _: 40 * MB, seconds=20))


def test_no_calls_are_no_division_by_zero():
    assert Growth(MB, 9 * MB, 0).is_leak


def test_this_process_is_seen():
    before = descriptors_of(os.getpid())
    with Path(os.devnull).open() as opened:
        assert descriptors_of(os.getpid())[os.devnull] == before[os.devnull] + 1
        assert opened.readable()
    taken = sample(os.getpid(), 5)
    assert taken.memory_bytes > MB
    assert taken.threads >= 1
    assert taken.calls == 5
    assert sample(1 << 30, 5) is None
