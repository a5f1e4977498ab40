import gc

import pytest

from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.proxy.endpoints.local import LocalAnswer


def test_what_was_asked_for_runs_once_the_request_is_whole():
    ran = []
    answer = LocalAnswer()
    answer.when_whole(lambda: ran.append(1))
    assert ran == []
    answer.on_request(b"ignored")
    assert ran == [1]


def test_without_anything_to_do_nothing_is_done():
    answer = LocalAnswer()
    answer.on_request(b"")
    answer.on_writable(False)
    assert not answer.gone


def test_it_knows_that_its_client_left():
    answer = LocalAnswer()
    answer.on_gone()
    assert answer.gone


def test_a_refused_rest_is_the_applications_to_answer():
    answer = LocalAnswer()
    assert answer.on_refused(ProtocolError(408, "late")) is False
    assert answer.gone


@pytest.mark.parametrize("ends", ["on_request", "on_gone"])
def test_what_it_did_or_need_not_do_is_let_go(ends):
    """That holds the answer, in turn: else each would wait for a rare collection."""
    gc.collect()
    answer = LocalAnswer()
    answer.when_whole(lambda answer=answer: answer.gone)
    getattr(answer, ends)(*[b""] * (ends == "on_request"))
    del answer
    assert gc.collect() == 0
