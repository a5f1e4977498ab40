"""SIGKILL anywhere: each committed frame's record is in the store once, no line is torn."""

import random

import pytest


def run_rounds(stage, rounds, seed):
    rng = random.Random(seed)
    writers = [stage.writer(), stage.writer("host-a")]
    recorder = stage.recorder()
    wanted = 0
    for _ in range(rounds):
        wanted += rng.randrange(200, 900)
        stage.wait_for_commits(wanted)
        victims = rng.choice([["writer"], ["recorder"], ["recorder"], ["writer", "recorder"], ["writer", "writer"]])
        for victim in victims:
            if victim == "recorder":
                stage.kill(recorder)
                recorder = stage.recorder()
            else:
                stage.kill(writers.pop(0))
                writers.append(stage.writer())
    for writer in writers:
        stage.kill(writer)
    stage.finish(recorder)
    return stage.check()


def test_five_rounds(stage):
    errors = run_rounds(stage, 5, seed=None)
    assert errors["None"] > 100
    assert errors["worker ended"] > 0


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_rounds(stage):
    run_rounds(stage, 100, seed=None)
