"""A recorder that stands still holds nothing up; its memory is bounded, whatever waits for it."""

import os
import signal

import pytest
from tests.parts.load import answer_with_question, more_answers, run_load
from tests.parts.model_upstream import run_upstream
from tests.parts.processes import wait_until
from tests.parts.proxy import provider
from tests.parts.reckoning import reckon
from tests.parts.service import run_service


@pytest.fixture
def upstream():
    with run_upstream() as running:
        running.ordinarily = answer_with_question
        yield running


def test_calls_go_on_while_the_recorder_stands_still(upstream, s3_server, tmp_path):
    bucket = s3_server.bucket()
    with run_service(tmp_path, provider(upstream.endpoint), env=bucket.environment()) as service:
        service.start()
        with run_load(service.port, clients=3) as load:
            wait_until(more_answers(load, 10), "answers")
            (recorder,) = service.children("recorder")
            os.kill(recorder, signal.SIGSTOP)
            wait_until(more_answers(load, 300), "answers while the recorder stands still")
            records = service.logging()["records"]
            os.kill(recorder, signal.SIGCONT)
        assert records["lost"] == 0
        assert records["spooled"] >= 600
        wait_until(service.is_settled, "everything in the store")
        assert service.stop() == 0
        assert service.children("recorder") == []
    assert load.broken == 0
    assert reckon(load.whole, bucket.records()) == {"None": len(load.whole)}
