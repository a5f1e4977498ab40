"""Event streams by WHATWG HTML §9.2.6, from whole bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.answers.sse import Event, looks_like_events, parse


def data_of(body: bytes) -> list[bytes]:
    return [event.data for event in parse(body).events]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_each_kind_of_line_end(newline):
    body = newline.join([b"event: ping", b"data: one", b"", b": comment", b"data: two", b"", b""])
    assert parse(body).events == [Event(b"ping", b"one"), Event(b"", b"two")]


def test_data_lines_are_joined_and_one_space_is_taken():
    assert data_of(b"data: a\ndata:b\ndata:  c\ndata\n\n") == [b"a\nb\n c\n"]


def test_comments_ids_and_empty_events_are_dropped():
    body = b": OPENROUTER PROCESSING\n\nid: 1\nretry: 3\n\nevent: x\n\n\n\ndata: a\nid: 2\n\n"
    assert data_of(body) == [b"a"]


def test_a_byte_order_mark_is_taken_off():
    assert data_of(b"\xef\xbb\xbfdata: a\n\n") == [b"a"]


def test_an_event_that_no_blank_line_ends_is_set_apart():
    stream = parse(b"data: a\n\ndata: [DONE]\n")
    assert [event.data for event in stream.events] == [b"a"]
    assert stream.tail == Event(b"", b"[DONE]")
    assert parse(b"data: a\n\n").tail is None


@pytest.mark.parametrize("body", [b"data: x", b"event: x", b": keep-alive", b"\n\ndata:x", b"\xef\xbb\xbfid: 1"])
def test_what_looks_like_events(body):
    assert looks_like_events(body)


@pytest.mark.parametrize("body", [b"", b'{"data": 1}', b"<html>", b"dataset"])
def test_what_does_not(body):
    assert not looks_like_events(body)


@given(st.lists(st.lists(st.sampled_from([b"a", b"{}", b"[DONE]", b"x:y"]), min_size=1, max_size=3), max_size=6))
def test_what_was_written_is_read(events):
    body = b"".join(b"".join(b"data: " + line + b"\n" for line in lines) + b"\n" for lines in events)
    assert data_of(body) == [b"\n".join(lines) for lines in events]
