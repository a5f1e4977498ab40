"""SIGKILL to any process of a proxy at any moment, under load: what a client got is in the bucket, once."""

import contextlib
import json
import logging
import os
import random
import secrets

import pytest
from tests.parts.load import answer_with_question, more_answers, run_load
from tests.parts.model_upstream import run_upstream
from tests.parts.processes import wait_until
from tests.parts.proxy import provider
from tests.parts.reckoning import reckon
from tests.parts.rgw import run_rgw
from tests.parts.service import run_service

LOG = logging.getLogger(__name__)  # pytest shows it where a test fails
WORKERS = 2
LONGEST = 60_000
WHOLE = {"LOG_USER_QUESTION_MAX": "0"}
KILLS = ("worker", "worker", "workers", "recorder", "recorder", "recorder and worker", "supervisor", "everything")


def kill(service, what, rng):
    if what == "supervisor":
        service.kill_supervisor()
    elif what == "everything":
        service.kill_everything()
    else:
        victims = service.children("recorder") if "recorder" in what else []
        workers = service.children("worker")
        if "workers" in what:
            victims += workers
        elif "worker" in what and workers:
            victims.append(rng.choice(workers))
        for pid in victims:
            service.kill(pid)
    if service.program.process.poll() is not None:
        service.start()


class Stdout:
    """The only sink where there is no store: a record stands there at least once, and half a line where a kill cut it."""

    def __init__(self, folder):
        self._folder = folder

    def environment(self):
        return {"LOG_DIR": ""}

    def records(self):
        found = {}
        for path in sorted(self._folder.glob("start-*/stdout")):
            for line in path.read_bytes().splitlines():
                with contextlib.suppress(json.JSONDecodeError):
                    record = json.loads(line)
                    found[record["type"], record["request_id"]] = record
        return list(found.values())

    def list_keys(self):
        return []


def end(service):
    """Stop as a person does, and once more should the backlog have been too long for the grace."""
    for _ in range(5):
        assert service.stop() == 0, service.program.stderr
        if not service.waiting_files():
            return
        service.start()
    raise AssertionError(f"still in the spool: {service.waiting_files()}")


def run_rounds(folder, bucket, rounds):
    """So many kills under load, then the reckoning; ``FAULTS_SEED`` chooses what is killed when."""
    seed = os.environ.get("FAULTS_SEED") or secrets.token_hex(4)
    LOG.warning("the same kills again: FAULTS_SEED=%s", seed)
    rng = random.Random(seed)
    with run_upstream() as upstream:
        upstream.ordinarily = answer_with_question
        config = provider(upstream.endpoint) | {"workers": WORKERS}
        with run_service(folder, config, env=bucket.environment() | WHOLE) as service:
            service.start()
            with run_load(service.port, seed=seed, filling=LONGEST) as load:
                for number in range(rounds):
                    wait_until(more_answers(load, rng.randrange(1, 150)), f"answers in round {number}", 60)
                    what = KILLS[0] if number == 0 else rng.choice(KILLS)
                    LOG.warning("round %s: %s", number, what)
                    kill(service, what, rng)
                wait_until(more_answers(load, 20), "answers after the last kill")
            counts = service.logging()["records"]
            end(service)
    assert counts["accepted"] == counts["spooled"] + counts["lost"]
    assert counts["lost"] == counts["unreadable"] == 0
    assert not load.failures
    errors = reckon(load.whole, bucket.records())
    LOG.warning("%s whole answers, %s broken off, errors %s", len(load.whole), load.broken, errors)
    assert errors["worker ended"] > 0
    assert errors.keys() == {"None", "worker ended"}
    assert not [key for key in bucket.list_keys() if not key.endswith(".jsonl")]


@pytest.mark.timeout(180)
def test_five_kills(tmp_path, s3_server):
    run_rounds(tmp_path, s3_server.bucket(), 5)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ten_kills_without_a_store(tmp_path):
    run_rounds(tmp_path, Stdout(tmp_path), 10)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_kills_with_ceph(tmp_path):
    with run_rgw(tmp_path / "ceph") as rgw:
        run_rounds(tmp_path / "proxy", rgw.bucket(), 20)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(7200)
def test_five_hundred_kills(tmp_path, s3_server):
    run_rounds(tmp_path, s3_server.bucket(), 500)
