"""The request's state machine: bytes in, requests and what is left over out; however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.http1.connection import RequestReader, Step
from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.http1.limits import EngineLimits

LIMITS = EngineLimits()
GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /b?q HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b"
CHUNKED = b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = b"POST /d HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody"


def post(body):
    return POST % (len(body), body)


def chunk(content):
    return b"%x\r\n%b\r\n" % (len(content), content)


def read(parts, limits=LIMITS):
    """The requests in ``parts`` as (path, body), what is held at the end; a refusal's status stands last."""
    reader = RequestReader(limits)
    requests = []
    try:
        for part in parts:
            step = reader.receive(part)
            while step is not Step.WAIT:
                if step is Step.HEAD:
                    step = reader.start_body()
                else:
                    assert reader.head is not None
                    size = reader.body_bytes
                    body = reader.take_body()
                    assert len(body) == size
                    requests.append((reader.head.path, body))
                    step = reader.next_request()
    except ProtocolError as error:
        return [*requests, error.status]
    return [*requests, b"".join(reader._body) or reader.held] if reader.head is None else [*requests, "body"]


REQUESTS = {
    "no body": (GET, (b"/a", b"")),
    "a length": (post(b"hello"), (b"/b", b"hello")),
    "a length of none": (post(b""), (b"/b", b"")),
    "a body that looks like a request": (post(GET), (b"/b", GET)),
    "chunked": (CHUNKED + chunk(b"hel") + chunk(b"lo") + b"0\r\n\r\n", (b"/c", b"hello")),
    "chunked, empty": (CHUNKED + b"0\r\n\r\n", (b"/c", b"")),
    "chunked, with trailers": (CHUNKED + chunk(b"hello") + b"0\r\nX: y\r\n\r\n", (b"/c", b"hello")),
    "an empty line before": (b"\r\n" + GET, (b"/a", b"")),
    "empty lines before": (b"\r\n\r\n\r\n" + GET, (b"/a", b"")),
    "Upgrade: h2c with a body": (UPGRADE, (b"/d", b"body")),
}


@pytest.mark.parametrize(("data", "expected"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_read_however_it_is_cut(octets, data, expected):
    assert read([data]) == [expected, b""]
    assert read(octets(data)) == [expected, b""]
    for at in range(1, len(data)):
        assert read([data[:at], data[at:]]) == [expected, b""], f"cut at {at}"


@pytest.mark.parametrize(("data", "expected"), REQUESTS.values(), ids=REQUESTS)
def test_what_comes_behind_a_request_is_the_next_one(octets, data, expected):
    for parts in ([data + post(b"x") + GET], octets(data + post(b"x") + GET)):
        assert read(parts) == [expected, (b"/b", b"x"), (b"/a", b""), b""]


def test_a_body_shorter_than_its_length_is_waited_for():
    assert read([post(b"hello")[:-1]]) == ["body"]


def test_a_body_longer_than_its_length_is_the_next_request():
    assert read([post(b"hello") + b"!"]) == [(b"/b", b"hello"), 400]


def test_what_comes_while_a_request_is_answered_is_held_back():
    reader = RequestReader(LIMITS)
    assert reader.receive(GET + b"GET /2") is Step.HEAD
    assert reader.start_body() is Step.COMPLETE
    assert reader.receive(b" HTTP/1.1\r\nHost: a\r\n\r\n" + GET) is Step.COMPLETE
    assert reader.head is not None
    assert reader.head.path == b"/a"
    assert reader.next_request() is Step.HEAD
    assert reader.head.path == b"/2"
    assert reader.start_body() is Step.COMPLETE
    assert reader.next_request() is Step.HEAD
    assert reader.start_body() is Step.COMPLETE
    assert reader.next_request() is Step.WAIT
    assert reader.head is None


def test_a_body_that_nobody_took_is_not_given_to_the_next():
    reader = RequestReader(LIMITS)
    reader.receive(post(b"secret") + post(b"mine"))
    assert reader.start_body() is Step.COMPLETE
    assert reader.next_request() is Step.HEAD
    assert reader.start_body() is Step.COMPLETE
    assert (reader.take_body(), reader.body_bytes) == (b"mine", 4)


def test_the_head_comes_before_the_body_is_looked_at():
    reader = RequestReader(LIMITS)
    assert reader.receive(CHUNKED + b"none\r\n") is Step.HEAD
    assert reader.body_bytes == 0
    with pytest.raises(ProtocolError):
        reader.start_body()


def test_a_trailer_is_no_field():
    """Merged into the head, a trailer ``Authorization`` would override the real one."""
    data = CHUNKED.replace(b"Host: a", b"Host: a\r\nAuthorization: Bearer mine")
    reader = RequestReader(LIMITS)
    reader.receive(data)
    assert reader.start_body() is Step.WAIT
    trailers = b"Authorization: Bearer evil\r\nX-Api-Key: evil\r\nContent-Length: 5\r\n"
    assert reader.receive(b"0\r\n" + trailers + b"\r\n" + GET) is Step.COMPLETE
    assert reader.head is not None
    assert reader.head.fields[b"authorization"] == b"Bearer mine"
    assert b"x-api-key" not in reader.head.fields
    assert reader.take_body() == b""
    assert reader.next_request() is Step.HEAD


def test_a_repeated_head_gives_each_request_its_own_length():
    assert read([post(b"hello"), post(b""), post(b"x" * 100), post(b"hi")]) == [
        (b"/b", b"hello"),
        (b"/b", b""),
        (b"/b", b"x" * 100),
        (b"/b", b"hi"),
        b"",
    ]


# --- refusals --------------------------------------------------------------------------------------------------------

REFUSED = {
    "a bare LF before the request line": (b"\n" + GET, 400),
    "a bare LF behind an empty line": (b"\r\n\n" + GET, 400),
    "a bare CR before the request line": (b"\r" + GET, 400),
    "bare LF throughout": (GET.replace(b"\r\n", b"\n"), 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "two Hosts": (GET.replace(b"Host: a", b"Host: a\r\nHost: a"), 400),
    "CL and TE": (CHUNKED.replace(b"Host: a", b"Host: a\r\nContent-Length: 5"), 400),
    "a bad chunk size": (CHUNKED + b"g\r\n", 400),
    "a chunk longer than its size": (CHUNKED + b"1\r\nxx\r\n", 400),
    "a swarm of tiny chunks": (CHUNKED + chunk(b"x") * 5000, 400),
    "an unknown expectation": (GET.replace(b"Host: a", b"Host: a\r\nExpect: x"), 417),
    "too many lines": (GET.replace(b"Host: a", b"Host: a" + b"\r\nX: y" * 100), 431),
}


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED)
def test_refusals(octets, data, status):
    assert read([data]) == [status]
    assert read(octets(data)) == [status]
    assert read([GET + data]) == [(b"/a", b""), status]


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\n", b"\n", b"GET / HTTP/1.1\r\nHost: a\n", b"\x16\x03\x01"])
def test_what_cannot_become_a_head_is_not_waited_for(start):
    assert read([start]) == [400]


def sized_head(size):
    return GET[:-2] + b"X: " + b"y" * (size - len(GET) - 5) + b"\r\n\r\n"


@pytest.mark.parametrize("size", [64, 512, 65536])
def test_a_head_within_its_limit_and_a_byte_more(cut, size):
    limits = EngineLimits(head_bytes=size)
    for places in ([], [1], [size // 2], [size - 2], list(range(0, size, 61))):
        assert read(cut(sized_head(size), places), limits) == [(b"/a", b""), b""]
        assert read(cut(sized_head(size + 1), places), limits) == [431]


def test_a_head_that_does_not_end_is_refused_at_its_limit():
    head = sized_head(200)[:-4]
    assert read([head[:100]], EngineLimits(head_bytes=100)) == [head[:100]]
    assert read([head[:101]], EngineLimits(head_bytes=100)) == [431]


def test_a_body_behind_a_head_does_not_count_as_head():
    assert read([post(b"x" * 1000)], EngineLimits(head_bytes=64)) == [(b"/b", b"x" * 1000), b""]


def test_empty_lines_without_end_are_passed_over_in_no_time(octets):
    data = b"\r\n" * (1 << 20)  # 2 MiB: a copy for each line would take minutes
    assert read([data + GET]) == [(b"/a", b""), b""]


def test_a_chunked_body_is_limited_by_what_its_sizes_say():
    limits = EngineLimits(body_bytes=10)
    assert read([CHUNKED + chunk(b"x" * 10) + b"0\r\n\r\n"], limits) == [(b"/c", b"x" * 10), b""]
    assert read([CHUNKED + chunk(b"x" * 5) + b"6\r\n"], limits) == [413]
    reader = RequestReader(limits)
    reader.receive(CHUNKED)
    reader.start_body()
    with pytest.raises(ProtocolError, match=r"^the body is longer than 10 bytes$"):
        reader.receive(b"b\r\n")


def test_small_chunks_are_kept_as_one_piece():
    """As objects of their own they would take many times the memory that is counted for them."""
    reader = RequestReader(LIMITS)
    reader.receive(CHUNKED)
    reader.start_body()
    reader.receive(chunk(b"hello") * 1000)
    assert len(reader._body) == 1
    assert reader.body_bytes == 5000


# --- properties ------------------------------------------------------------------------------------------------------

BODIES = st.binary(max_size=30)
MESSAGES = st.one_of(
    st.just((GET, (b"/a", b""))),
    st.just((b"\r\n" + UPGRADE, (b"/d", b"body"))),
    BODIES.map(lambda body: (post(body), (b"/b", body))),
    st.lists(st.binary(min_size=1, max_size=10), max_size=4).map(
        lambda contents: (
            CHUNKED + b"".join(map(chunk, contents)) + b"0\r\nAuthorization: x\r\n\r\n",
            (b"/c", b"".join(contents)),
        )
    ),
)
PLACES = st.lists(st.integers(0, 1 << 16), max_size=12)


@given(st.lists(MESSAGES, min_size=1, max_size=5), PLACES)
def test_pipelined_requests_are_the_same_however_they_are_cut(octets, cut, messages, places):
    data = b"".join(raw for raw, _ in messages)
    expected = [request for _, request in messages] + [b""]
    assert read([data]) == expected
    assert read(cut(data, places)) == expected
    assert read(octets(data)) == expected


SCRAPS = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"POST /b HTTP/1.1\r\nHost: a\r\n",
        b"GET / HTTP/1.0\r\n",
        b"Host: a\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"Upgrade: h2c\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\r",
        b"\n",
        b" ",
        b"\x00",
        b"abc",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"GET",
        b"X: y",
        b":",
    ]
)


@given(st.lists(SCRAPS, max_size=12).map(b"".join) | st.binary(max_size=100), PLACES)
def test_no_bytes_do_worse_than_a_refusal_and_cuts_change_nothing(octets, cut, data, places):
    expected = read([data])
    for parts in (cut(data, places), octets(data)):
        found = read(parts)
        assert found[:-1] == expected[:-1]
        assert isinstance(found[-1], int) == isinstance(expected[-1], int)
