import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.http1.head import parse_response_head
from open_llm_proxy.proxy.capture import Captured, Held, measured, tell


def told(status: int = 200, **fields: str):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return tell(parse_response_head(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode()))


def test_what_a_record_tells_of_a_head():
    got = told(content_type="text/event-stream", content_encoding="br", x_request_id="req-1")
    assert got.status == 200
    assert got.content_type == "text/event-stream"
    assert got.content_encoding == "br"
    assert got.request_id == "req-1"
    assert got.error_headers is None


@pytest.mark.parametrize("name", ["x_request_id", "request_id", "x_generation_id", "cf_ray"])
def test_the_providers_id_by_any_of_its_names(name):
    assert told(200, **{name: "id"}).request_id == "id"


def test_x_request_id_comes_first():
    assert told(cf_ray="ray", request_id="other", x_request_id="first").request_id == "first"


def test_an_error_tells_the_few_headers_that_records_show():
    shown = {
        "retry-after": "7",
        "x-ratelimit-limit": "10",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "1",
        "x-request-id": "r",
        "server": "s",
        "date": "d",
        "content-length": "0",
    }
    got = told(429, set_cookie="secret", **shown)
    assert got.error_headers == shown
    assert told(399, retry_after="7").error_headers is None
    assert told(400).error_headers == {}


def test_the_length_is_each_answers_own():
    assert measured(None, 5) is None
    assert measured({"server": "s"}, 5) == {"server": "s"}
    remembered = {"server": "s", "content-length": "3"}
    assert measured(remembered, 5) == {"server": "s", "content-length": "5"}
    assert remembered["content-length"] == "3"


PIECES = st.lists(st.binary(min_size=1, max_size=9), max_size=9)


@given(PIECES, st.integers(0, 40))
def test_what_is_kept_is_the_beginning_up_to_the_limit(pieces, limit):
    captured = Captured(limit, Held(1000))
    captured.add(pieces[:3])
    captured.add(pieces[3:])
    whole = b"".join(pieces)
    assert b"".join(captured.pieces) == whole[:limit]
    assert captured.size == len(whole[:limit])
    assert captured.total_bytes == len(whole)


@given(st.lists(st.sampled_from([b"data: a\n\n", b"data: b\r\n\r\n", b"\n", b"\r\n", b"\r", b"data: c"]), max_size=5))
def test_the_end_of_an_event_is_seen_however_the_stream_was_cut(events):
    whole = b"".join(events)
    for size in (1, 2, 3, 4, 5, 1000):
        captured = Captured(1000, Held(1000))
        captured.add([whole[start : start + size] for start in range(0, len(whole), size)])
        assert captured.ends_at_event() == whole.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))


def test_beyond_the_limit_nobody_knows_where_an_event_ends():
    captured = Captured(4, Held(4))
    captured.add([b"x\n\n", b"x\n\n"])
    assert not captured.ends_at_event()


def test_all_together_keep_no_more_than_they_may():
    held = Held(10)
    first, second = Captured(8, held), Captured(8, held)
    first.add([b"12345", b"678"])
    second.add([b"ab", b"cd", b"e"])
    assert (first.pieces, second.pieces) == ([b"12345", b"678"], [b"ab"])
    assert (second.size, second.total_bytes) == (2, 5)
    assert held.now_bytes == 10


def test_what_is_gone_makes_room_and_a_gap_is_never_made():
    held = Held(4)
    first, second = Captured(8, held), Captured(8, held)
    first.add([b"1234"])
    second.add([b"ab"])
    del first
    assert held.now_bytes == 0
    second.add([b"cd"])
    assert b"".join(second.pieces) == b""
    third = Captured(8, held)
    third.add([b"xyz"])
    assert third.pieces == [b"xyz"]
    assert held.now_bytes == 3


@given(st.lists(st.lists(st.binary(max_size=9), max_size=5), min_size=1, max_size=5), st.integers(0, 40))
def test_what_is_counted_is_what_is_held(answers, limit):
    held = Held(limit)
    made = [Captured(20, held) for _ in answers]
    for captured, pieces in zip(made, answers, strict=True):
        captured.add(pieces)
        assert held.now_bytes == sum(len(piece) for one in made for piece in one.pieces) <= limit
        assert b"".join(pieces).startswith(b"".join(captured.pieces))
    del captured
    made.clear()
    assert held.now_bytes == 0
