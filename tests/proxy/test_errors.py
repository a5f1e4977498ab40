import json
import re
from pathlib import Path

import pytest

from open_llm_proxy.http1.errors import REASONS, ProtocolError
from open_llm_proxy.proxy import errors
from open_llm_proxy.proxy.errors import ROWS, Refusal, header_lines, render, render_event, row_of_protocol_status

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text()
DOCUMENTED = [
    tuple(cell.strip() for cell in line.strip("|").split(" | "))
    for line in PAGE.splitlines()
    if re.match(r"\| \d{3} \|", line)
]


def test_every_error_has_its_row_in_the_documents():
    rows = [(str(row.status), f"`{row.type}`", f"`{row.code}`", row.when, row.remedy) for row in ROWS]
    assert sorted(DOCUMENTED) == sorted(rows)


def test_the_documents_rows_stand_in_the_order_of_their_status():
    assert [row[0] for row in DOCUMENTED] == sorted(row[0] for row in DOCUMENTED)


def test_every_row_of_the_module_is_in_rows():
    assert len(ROWS) == len({row.code for row in ROWS}) > 20
    assert {name for name, value in vars(errors).items() if value in ROWS} >= {"BAD_HTTP", "ANSWER_TIMEOUT"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_every_status_has_a_reason_phrase(row):
    assert row.status in REASONS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_the_type_fits_the_status(row):
    assert (row.type in {"server_error", "timeout_error"}) == (row.status >= 500)


def test_an_error_is_shaped_as_openais():
    refusal = Refusal(errors.NO_MODEL, "`model` is absent", param="model")
    assert json.loads(render(refusal, anthropic=False, request_id="r")) == {
        "error": {
            "message": "`model` is absent",
            "type": "invalid_request_error",
            "code": "missing_model",
            "param": "model",
        }
    }


def test_param_is_null_where_no_field_is_at_fault():
    assert (
        json.loads(render(Refusal(errors.NOT_FOUND, "no"), anthropic=False, request_id="r"))["error"]["param"] is None
    )


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (errors.BAD_JSON, "invalid_request_error"),
        (errors.UNAUTHORIZED, "authentication_error"),
        (errors.NOT_FOUND, "not_found_error"),
        (errors.BAD_METHOD, "invalid_request_error"),
        (errors.TOO_LARGE, "request_too_large"),
        (errors.NO_PROXY_KEY, "api_error"),
        (errors.UNREACHABLE, "api_error"),
        (errors.DRAINING, "overloaded_error"),
        (errors.ANSWER_TIMEOUT, "timeout_error"),
    ],
)
def test_an_error_is_shaped_as_anthropics(row, kind):
    assert json.loads(render(Refusal(row, "why"), anthropic=True, request_id="r")) == {
        "type": "error",
        "error": {"type": kind, "message": "why"},
        "request_id": "r",
    }


def test_an_error_event_ends_an_openai_stream():
    event = render_event(Refusal(errors.CUT_OFF, "why\nnot"), anthropic=False, request_id="r")
    assert event.startswith(b"data: {")
    assert event.endswith(b"}\n\n")
    assert json.loads(event[6:])["error"]["code"] == "provider_cut_off"


def test_an_error_event_ends_an_anthropic_stream():
    name, data, *rest = render_event(Refusal(errors.CUT_OFF, "why\nnot"), anthropic=True, request_id="r").split(b"\n")
    assert name == b"event: error"
    assert json.loads(data.removeprefix(b"data: "))["type"] == "error"
    assert rest == [b"", b""]


@pytest.mark.parametrize("row", [row for row in ROWS if row.status == 503], ids=lambda row: row.code)
def test_each_503_says_when_to_come_back(row):
    assert re.search(rb"retry-after: [1-9]\d*\r\n", header_lines(Refusal(row, "")))


def test_a_401_says_how_to_authenticate():
    assert b"www-authenticate: Bearer " in header_lines(Refusal(errors.UNAUTHORIZED, ""))


def test_a_refusals_own_headers_come_along():
    for row in (errors.BAD_METHOD, errors.DRAINING, errors.UNAUTHORIZED):
        assert b"allow: GET\r\n" in header_lines(Refusal(row, "", headers=b"allow: GET\r\n"))
    assert header_lines(Refusal(errors.BAD_JSON, "")) == b""


@pytest.mark.parametrize("status", [400, 408, 413, 417, 431, 503])
def test_what_breaks_http_has_a_row_of_the_same_status(status):
    assert row_of_protocol_status(ProtocolError(status, "").status).status == status


def test_an_unforeseen_status_is_bad_http():
    assert row_of_protocol_status(499) is errors.BAD_HTTP
