"""The wall clock under load: set back, and over midnight UTC. Each record is in its day's folder, once."""

import time

import pytest
from tests.parts.clock import DAY_S, Clock
from tests.parts.load import answer_with_question, more_answers, run_load
from tests.parts.model_upstream import run_upstream
from tests.parts.processes import wait_until
from tests.parts.proxy import provider
from tests.parts.reckoning import reckon
from tests.parts.service import run_service

BEFORE_S = 3


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


@pytest.fixture
def bucket(s3_server):
    return s3_server.bucket()


@pytest.fixture
def service(tmp_path, clock, bucket):
    with run_upstream() as upstream:
        upstream.ordinarily = answer_with_question
        env = bucket.environment() | clock.environment()
        with run_service(tmp_path / "proxy", provider(upstream.endpoint), env=env) as made:
            yield made


def days_of(bucket):
    return sorted({key.partition("/")[0] for key in bucket.list_keys()})


def check(service, bucket, load):
    assert service.stop() == 0
    assert not service.waiting_files()
    assert reckon(load.whole, bucket.records()) == {"None": len(load.whole)}
    for key in bucket.list_keys():
        times = [line.split(b'"', 4)[3][:10].decode() for line in bucket.read(key).splitlines()]
        assert {key.partition("/")[0]} == set(times), key


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_midnight_during_load(service, clock, bucket):
    clock.shift_to_midnight(BEFORE_S)
    service.start()
    clock.shift_to_midnight(BEFORE_S)
    with run_load(service.port, clients=3) as load:
        wait_until(lambda: len(days_of(bucket)) == 2, "chunk files of both days")
        wait_until(more_answers(load, 20), "answers of the new day")
    check(service, bucket, load)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_clock_set_back(service, clock, bucket):
    service.start()
    with run_load(service.port, clients=3) as load:
        for days in (0, 2, 1):
            clock.shift(-days * DAY_S)
            day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * DAY_S))
            wait_until(lambda day=day: day in days_of(bucket), f"chunk files of {day}")
            wait_until(more_answers(load, 20), "answers by this clock")
    check(service, bucket, load)
    assert len(days_of(bucket)) == 3
