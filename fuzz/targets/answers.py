"""A provider's bytes, in any pieces: an answer, a wait or an ``UpstreamProtocolError``; the same, however cut."""

from fuzz.targets.requests import split
from open_llm_proxy.http1.connection import ResponseReader
from open_llm_proxy.http1.errors import UpstreamProtocolError
from open_llm_proxy.http1.limits import EngineLimits
from open_llm_proxy.proxy.relay import Relayed

LIMITS = EngineLimits(head_bytes=4096, header_lines=20)

Outcome = tuple[int | None, bytes, bool] | str


def check(data: bytes) -> None:
    """The first two bytes say where the rest is cut."""
    cuts, sent = data[:2], data[2:]
    whole = read([sent])
    pieces = read(split(sent, cuts))
    # What was passed on before the fault differs with the pieces; that there is one does not.
    assert pieces == whole


def read(pieces: list[bytes]) -> Outcome:
    """Status, body and whether it is whole; or ``refused``."""
    reader = ResponseReader(LIMITS)
    body = b""
    try:
        for piece in filter(None, pieces):
            if reader.done:
                break  # what comes then closes the connection
            body += b"".join(reader.receive(piece))
        if not reader.done:
            reader.receive_eof()
    except UpstreamProtocolError:
        return "refused"
    assert reader.head is not None
    lines = Relayed(reader.head).lines
    assert lines.count(b"\r\n") == lines.count(b"\n") == lines.count(b"\r")
    assert b"\r\n\r\n" not in lines
    return reader.head.status, body, reader.done
