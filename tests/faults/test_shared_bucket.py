"""Two proxies with equal process ids and host names log to one bucket: nothing is overwritten."""

import pytest
from tests.parts.load import answer_with_question, more_answers, run_load
from tests.parts.model_upstream import run_upstream
from tests.parts.namespaces import own_process_ids
from tests.parts.processes import wait_until
from tests.parts.proxy import provider
from tests.parts.reckoning import reckon
from tests.parts.service import run_service

from open_llm_proxy.store.layout import parse_chunk


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_equal_process_ids_and_host_names(tmp_path, s3_server):
    prefix = own_process_ids()
    bucket = s3_server.bucket()
    env = bucket.environment()
    with run_upstream() as upstream:
        upstream.ordinarily = answer_with_question
        config = provider(upstream.endpoint)
        with (
            run_service(tmp_path / "one", config, env=env) as one,
            run_service(tmp_path / "two", config, env=env) as two,
        ):
            for service in (one, two):
                service.prefix = prefix
                service.start()
            with run_load(one.port, clients=2) as first, run_load(two.port, clients=2) as second:
                wait_until(lambda: len(bucket.list_keys()) >= 4, "chunk files")
                wait_until(more_answers(first, 10), "answers of the first")
                wait_until(more_answers(second, 10), "answers of the second")
            assert [service.stop() for service in (one, two)] == [0, 0]
            assert not one.waiting_files() + two.waiting_files()
    chunks = [parse_chunk(key) for key in bucket.list_keys()]
    assert len({(chunk.host, chunk.pid) for chunk in chunks}) == 1
    assert len({chunk.directory for chunk in chunks}) == 2
    assert reckon(first.whole + second.whole, bucket.records()) == {"None": len(first.whole) + len(second.whole)}
