import pytest

from open_llm_proxy.http1.head import parse_response_head
from open_llm_proxy.proxy.relay import Relayed, own_head, server_timing


def relayed(*lines, status="200 OK"):
    raw = "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""])
    return Relayed(parse_response_head(raw.encode()))


def fields(made):
    return [line.decode() for line in made.lines.split(b"\r\n")[1:-1]]


def test_status_and_end_to_end_fields_come_back_as_they_were():
    lines = [
        "Content-Type: application/json",
        "Retry-After: 7",
        "x-ratelimit-remaining-tokens: 0",
        "RateLimit-Reset: 1",
        "X-Request-Id: theirs",
        "Set-Cookie: a=1",
        "set-cookie: b=2",
        "Server: nginx",
        "content-encoding: br",
        "Location: https://elsewhere.example/v1",
        "server-timing: db;dur=1",
    ]
    made = relayed(*lines, "content-length: 5", status="429 Slow Down")
    assert made.lines.startswith(b"HTTP/1.1 429 Slow Down\r\n")
    assert fields(made) == lines
    assert made.status == 429


@pytest.mark.parametrize(
    "line",
    [
        "Connection: close",
        "Keep-Alive: timeout=5",
        "Proxy-Authenticate: Basic",
        "TE: trailers",
        "Trailer: x",
        "Transfer-Encoding: chunked",
        "Upgrade: h2c",
        "Proxy-Connection: close",
    ],
)
def test_hop_by_hop_fields_stay_on_their_hop(line):
    assert fields(relayed(line, "x-kept: 1")) == ["x-kept: 1"]


def test_what_connection_names_stays_on_the_hop():
    assert fields(
        relayed("Connection: close, X-Hop", "connection: x-other", "x-hop: 1", "X-Other: 2", "x-kept: 3")
    ) == ["x-kept: 3"]


@pytest.mark.parametrize(
    "name",
    [
        "access-control-allow-origin",
        "Access-Control-Allow-Credentials",
        "access-control-expose-headers",
        "x-llm-request-id",
        "X-LLM-Provider",
        "content-length",
    ],
)
def test_what_we_say_ourselves_does_not_stand_twice(name):
    assert fields(relayed(f"{name}: 1")) == []


@pytest.mark.parametrize("kind", ["text/event-stream", "Text/Event-Stream; charset=utf-8"])
def test_on_streams_an_nginx_on_the_way_is_told_not_to_gather(kind):
    made = relayed(f"content-type: {kind}", "x-accel-buffering: yes")
    assert made.stream
    assert fields(made) == [f"content-type: {kind}", "x-accel-buffering: no"]


def test_on_other_answers_it_is_not():
    made = relayed("content-type: application/json")
    assert not made.stream
    assert not any("accel" in line for line in fields(made))
    assert not relayed().stream


@pytest.mark.parametrize(
    ("status", "bodyless"), [("204 No Content", True), ("304 Not Modified", True), ("200 OK", False)]
)
def test_answers_that_have_no_body(status, bodyless):
    assert relayed(status=status).bodyless == bodyless


@pytest.mark.parametrize(
    ("line", "encoded"), [("content-encoding: gzip", True), ("Content-Encoding: Identity", False), ("a: b", False)]
)
def test_whether_the_body_is_compressed(line, encoded):
    assert relayed(line).encoded == encoded


def test_whether_the_provider_told_its_own_id():
    assert relayed("X-Request-ID: r").telling_id
    assert not relayed("request-id: r").telling_id


def test_what_the_record_is_told():
    assert relayed("x-request-id: r", status="503 Busy").told.request_id == "r"


def test_a_head_of_ours():
    assert own_head(404, b"application/json", b"a: b\r\n") == (
        b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\na: b\r\n"
    )
    assert own_head(204, b"", b"a: b\r\n") == b"HTTP/1.1 204 No Content\r\na: b\r\n"


@pytest.mark.parametrize(
    ("own_us", "shown"), [(0, b"0.000"), (7, b"0.007"), (1999, b"1.999"), (2000, b"2.000"), (30_000_001, b"30000.001")]
)
def test_the_proxys_share_in_milliseconds(own_us, shown):
    assert server_timing(own_us) == b"server-timing: proxy;dur=" + shown + b"\r\n"
