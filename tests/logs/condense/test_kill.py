"""Killed anywhere and run again: the same rows, and nothing left behind."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.logs.condense import corpus, killed
from tests.parts.processes import plain_environment

from open_llm_proxy.logs.source import open_source

pytestmark = pytest.mark.slow

STEPS = 250
"""About how many steps a run over these records has."""
TODAY = "2026-11-03"
DAYS = ("2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02")


def make_records(source):
    """Four days of two months; answers over midnight, doubles, late files of a day that is condensed already."""
    records = []
    for number in range(40):
        day, second, session = DAYS[number % 4], 86_399 if number % 3 else number, f"s-{number % 3}"
        records.append(corpus.request(f"{number:08x}", corpus.stamp(day, second), session))
        if number % 5 and (day != DAYS[3] or not number % 3):
            records.append(corpus.response(f"{number:08x}", corpus.stamp(day, second + 2), session))
    records += [corpus.prompt("aa", corpus.stamp(day, 5)) for day in DAYS]
    corpus.put(source, records)
    corpus.put(source, records[::4], "13-00-00-host-1-00ff.2.2")
    return records


def run(place, temporary, environment, kill_at):
    command = [sys.executable, killed.__file__, place, str(temporary), TODAY, str(kill_at)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=100)


def kill_and_repeat(source, tmp_path, environment, seed):
    chosen = random.Random(seed)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    records = make_records(source)
    for _ in range(chosen.choice((1, 1, 2, 3))):
        done = run(source.url, temporary, environment, chosen.randint(1, STEPS))
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr
        if chosen.random() < 0.3:  # meanwhile records come late
            late = corpus.request(f"late-{chosen.random()}", corpus.stamp(chosen.choice(DAYS), 50), "s-1")
            records.append(late)
            corpus.put(source, [late], f"14-00-00-host-1-{chosen.getrandbits(32):08x}.3.3")
    done = run(source.url, temporary, environment, 0)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["failed"] == []
    corpus.check(source, records, tmp_path, month_of=_period)
    assert not [key for key in corpus.keys(source) if key.endswith((".jsonl", ".part"))]
    assert list(temporary.iterdir()) == []


def _period(record):
    day = record["timestamp"][:10]
    return day[:7] if day < "2026-11" else day


@pytest.fixture
def environment(tmp_path):
    return plain_environment(tmp_path)


@pytest.mark.parametrize("seed", range(1))
def test_in_a_folder(folder, tmp_path, environment, seed):
    kill_and_repeat(folder, tmp_path, environment, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 130))
def test_in_a_folder_at_many_points(folder, tmp_path, environment, seed):
    kill_and_repeat(folder, tmp_path, environment, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 208))
def test_in_a_bucket(bucket, tmp_path, environment, seed):
    access = {
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_S3_ENDPOINT_URL": bucket.options.s3_endpoint,
    }
    environment |= access
    kill_and_repeat(open_source(bucket.url, environment), tmp_path, environment, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300, 306))
def test_the_command_itself_at_any_time(folder, tmp_path, environment, seed):
    chosen = random.Random(seed)
    records = make_records(folder)
    command = [Path(sys.executable).with_name("open-llm-proxy"), "logs", "condense", "--from-dir", folder.url]
    environment["TMPDIR"] = str(tmp_path / "temporary")
    Path(environment["TMPDIR"]).mkdir()
    for _ in range(4):
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                process.wait(chosen.uniform(0.3, 6))
            except subprocess.TimeoutExpired:
                process.kill()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout.splitlines()[-1])["failed"]) == (0, []), done.stderr
    # The command's day is today: November is over, when these tests are run, or it is not.
    monthly = any("2026-11" in key for key in corpus.keys(folder) if "monthly" in key)
    corpus.check(folder, records, tmp_path, month_of=lambda one: one["timestamp"][:7] if monthly else _period(one))
    assert list(Path(environment["TMPDIR"]).iterdir()) == []
