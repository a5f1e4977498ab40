"""A client's bytes, in any pieces: a request, a wait or a ``ProtocolError``; the same one, however they were cut."""

from open_llm_proxy.http1.connection import RequestReader, Step
from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.http1.limits import EngineLimits

LIMITS = EngineLimits(head_bytes=4096, header_lines=20, body_bytes=8192)
SLACK_BYTES = 2048
"""What a reader may hold beyond its limits: a chunk-size line or trailer that is not whole."""

Outcome = tuple[list[tuple[bytes, bytes, bytes]], bool]


def check(data: bytes) -> None:
    """The first two bytes say where the rest is cut."""
    cuts, sent = data[:2], data[2:]
    whole = read([sent])
    assert read(split(sent, cuts)) == whole
    assert read([sent[index : index + 1] for index in range(len(sent))] if len(sent) < 600 else [sent]) == whole


def split(data: bytes, cuts: bytes) -> list[bytes]:
    places = sorted(cut * len(data) // 256 for cut in cuts)
    return [data[start:stop] for start, stop in zip([0, *places], [*places, len(data)], strict=True)]


def read(pieces: list[bytes]) -> Outcome:
    """The requests in the bytes (method, path, body), and whether a refusal ends them: which one may depend on cuts."""
    reader = RequestReader(LIMITS)
    found: list[tuple[bytes, bytes, bytes]] = []
    try:
        for piece in pieces:
            step = reader.receive(piece)
            while step is not Step.WAIT:
                step = _go_on(reader, step, found)
            assert len(reader.held) <= LIMITS.head_bytes + SLACK_BYTES or step is not Step.WAIT
    except ProtocolError:
        return found, True
    return found, False


def _go_on(reader: RequestReader, step: Step, found: list[tuple[bytes, bytes, bytes]]) -> Step:
    head = reader.head
    assert head is not None
    if step is Step.HEAD:
        if reader.content_length > LIMITS.body_bytes:
            raise ProtocolError(413, "too long")
        return reader.start_body()
    assert head.path.startswith(b"/") or head.path == b"*"
    found.append((head.method, head.path, reader.take_body()))
    return reader.next_request()
