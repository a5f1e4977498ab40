import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.proxy.capture import Captured, Held
from open_llm_proxy.proxy.stream_end import StreamEnd

DONE = [b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"data: [DONE]\r\n\r\n"]
LAST = [
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    b"event: response.completed\r\ndata: {}\r\n\r\n",
    b"event: response.incomplete\ndata: {}\n\n",
    b"event: response.failed\ndata: {}\n\n",
]
DELTA = b'event: content_block_delta\ndata: {"text":"data: [DONE] \\n\\n event: message_stop\\n\\n"}\n\n'


def reached(pieces, *, chat, limit=1 << 20):
    """The index of the first piece with which the end was reached."""
    captured = Captured(limit, Held(limit))
    end = StreamEnd(captured, chat=chat)
    for index, piece in enumerate(pieces):
        captured.add([piece])
        if end.reached(piece):
            return index
    return None


@pytest.mark.parametrize("done", DONE)
@pytest.mark.parametrize("chat", [True, False])
def test_done_ends_a_stream(done, chat):
    assert reached([b"data: {}\n\n", done], chat=chat) == 1
    assert reached([b"data: {}\n\n" + done], chat=chat) == 0
    assert reached([done], chat=chat) == 0


@pytest.mark.parametrize("last", LAST)
def test_the_newer_apis_last_events_end_a_stream(last):
    assert reached([DELTA, last], chat=False) == 1
    assert reached([DELTA + last], chat=False) == 0
    assert reached([last], chat=False) == 0


@pytest.mark.parametrize("last", LAST)
def test_in_chat_completions_they_mean_nothing(last):
    assert reached([DELTA, last], chat=True) is None


@given(st.sampled_from([*DONE, *LAST]), st.lists(st.integers(1, 40), max_size=30))
def test_however_the_stream_was_cut(last, sizes):
    whole = DELTA + last
    pieces, position = [], 0
    for size in sizes:
        pieces.append(whole[position : position + size])
        position += size
    pieces = [piece for piece in (*pieces, whole[position:]) if piece]
    assert reached(pieces, chat=False) == len(pieces) - 1
    if last in DONE:
        assert reached(pieces, chat=True) == len(pieces) - 1


@given(st.lists(st.integers(1, 40), max_size=30), st.booleans())
def test_no_text_of_the_model_ends_it(sizes, chat):
    whole = DELTA * 3
    pieces = [whole[sum(sizes[:index]) : sum(sizes[: index + 1])] for index in range(len(sizes) + 1)]
    assert reached([piece for piece in pieces if piece], chat=chat) is None


def test_an_event_that_is_not_whole_yet_does_not_end_it():
    assert reached([DELTA, b"event: message_stop\n", b"data: {}\n"], chat=False) is None
    assert reached([b"data: [DONE]\n"], chat=True) is None


def test_beyond_what_is_kept_only_whole_pieces_are_known():
    assert reached([b"x" * 50, DONE[0]], chat=True, limit=10) == 1
    assert reached([b"x" * 50, DONE[0][:5], DONE[0][5:]], chat=True, limit=10) is None
