import pytest

from open_llm_proxy.recorder.answered import Answered
from open_llm_proxy.records.build import Context, build_response
from open_llm_proxy.spool.frame import Frame
from open_llm_proxy.telemetry.ledger import KINDS

CONTEXT = Context()
ERROR = b'{"error":{"message":"no"}}'
GONE = "Client disconnected/cancelled after 12ms, before the answer was complete"


def answered(kit, body=None, **fields):
    body = kit.ANSWER if body is None else body
    header = kit.response(1, **{"total_bytes": len(body), **fields})
    return Answered(header, build_response(Frame(header, body), CONTEXT))


def test_a_good_answer_is_no_error(kit):
    assert answered(kit).kind is None


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("worker_ended", {"error": "worker ended", "status": 0, "provider_status": None, "complete": False}),
        ("client_gone", {"error": GONE, "status": 200, "complete": False}),
        ("client_gone", {"error": GONE, "status": 0, "provider_status": None, "complete": False}),
        ("timeout", {"error": "Request timed out after 12ms", "status": 504, "provider_status": None}),
        ("timeout", {"error": "Request timed out after 12ms", "status": 200, "complete": False}),
        ("timeout", {"error": "no connection to up in time", "status": 504, "provider_status": None}),
        ("refused", {"error": "Unknown model 'x'. …", "status": 400, "provider_status": None}),
        ("refused", {"error": "the body is longer", "status": 413, "provider_status": None}),
        ("refused", {"error": "Unknown model 'x'. …", "status": 0, "provider_status": None}),
        ("not_configured", {"error": "UP API key not configured on server", "status": 500, "provider_status": None}),
        ("overloaded", {"error": "too many", "status": 503, "provider_status": None}),
        ("unreachable", {"error": "up could not be reached", "status": 502, "provider_status": None, "attempts": 1}),
        ("unreachable", {"error": "up could not be reached", "status": 0, "provider_status": None, "attempts": 1}),
        ("cut_off", {"error": "the provider broke off its answer: x", "status": 200, "complete": False}),
        ("cut_off", {"status": 200, "complete": False}),
        ("rate_limited", {"status": 429, "provider_status": 429}),
        ("provider_failed", {"status": 500, "provider_status": 500}),
        ("provider_failed", {"status": 529, "provider_status": 529}),
        ("provider_refused", {"status": 400, "provider_status": 400}),
    ],
)
def test_kinds(kit, kind, fields):
    assert answered(kit, **fields).kind == kind
    assert kind in KINDS


def test_a_good_status_with_an_error_in_it(kit):
    assert answered(kit, ERROR).kind == "bad_answer"
    assert answered(kit, b"<html>").kind == "bad_answer"
