import os
import sys

import pytest

from bench.condensing import condense, copy_bare, run_process
from bench.corpus import DAY, write_day
from bench.processes import RigError
from bench.sides import find_command


@pytest.mark.slow
def test_both_sides_of_a_small_day(tmp_path):
    write_day(tmp_path / "corpus", DAY, 200, files=3)
    for cost in (
        copy_bare(tmp_path / "corpus", tmp_path),
        condense(tmp_path / "corpus", tmp_path, find_command(), 200),
    ):
        assert cost.seconds > 0
        assert 20e6 < cost.peak_bytes < 2e9
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]
    assert len(list((tmp_path / "corpus" / DAY).iterdir())) == 3
    with pytest.raises(RigError, match="something else"):
        condense(tmp_path / "corpus", tmp_path, find_command(), 201)


def test_a_process_that_fails_is_an_error():
    with pytest.raises(RigError, match="ended with 3"):
        run_process([sys.executable, "-c", "raise SystemExit(3)"])


def test_all_cores_are_used_whatever_the_rig_keeps_to():
    kept = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(kept)})
    try:
        _, said = run_process([sys.executable, "-c", "import os; print(len(os.sched_getaffinity(0)))"])
    finally:
        os.sched_setaffinity(0, kept)
    assert int(said) == os.cpu_count()
