"""A response as one short line."""

import msgspec

from open_llm_proxy.records.build import Context, build_request, build_response
from open_llm_proxy.records.line import app_of, format_line
from open_llm_proxy.spool.frame import Frame, RequestHeader, ResponseHeader

BODY = b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}'


def record(**fields):
    header = ResponseHeader(
        "ab" * 16,
        1_790_000_000_000_000_000,
        "/v1/chat/completions",
        "nrp",
        "kimi",
        "default",
        status=200,
        provider_status=200,
        latency_us=12_000,
        content_type="application/json",
        total_bytes=len(BODY),
        origin="https://fire.example.org/run",
    )
    return build_response(Frame(msgspec.structs.replace(header, **fields), BODY), Context())


def test_the_parts_of_a_line():
    assert format_line(record()) == "14:13:20  200  kimi  nrp  12 ms  3+4 tokens  fire"


def test_an_error_stands_last_and_control_characters_do_not_pass():
    line = format_line(record(error="boom\x1b[31m", origin=None, client="geo/1"))
    assert line is not None
    assert line.endswith("geo/1  boom [31m")


def test_the_app_is_the_first_label_of_the_host():
    assert app_of("https://geo.example.org:8443/x") == "geo"
    assert app_of(None) is None


def test_an_origin_that_is_no_address_stands_as_far_as_its_first_dot():
    assert app_of("http://[half.example.org") == "http://[half"
    assert app_of("my-app") == "my-app"


def test_what_is_not_known_is_a_dash_and_what_is_no_answer_no_line():
    line = format_line(msgspec.structs.replace(record(status=0, model=None, origin=None), latency_ms=None, tokens=None))
    assert line == "14:13:20  ---  -  nrp  - ms  - tokens  -"
    request = RequestHeader("ab" * 16, 0, "/v1/chat/completions", "nrp", "kimi", "default")
    assert format_line(build_request(Frame(request, b"{}"), Context()).record) is None
