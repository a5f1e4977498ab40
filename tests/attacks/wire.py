"""Both ends of the wire: a client that sends bytes and reads what comes, a provider that notes each byte it gets."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final, NamedTuple

QUIET_S: Final = 0.25
"""Nothing for so long: the other side waits."""
PAUSE_S: Final = 0.02

ANSWER: Final = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"id":"a"}'
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})")
# What may reach a provider: one request at a time, framed by one length, each line ended by CRLF.
_REQUEST: Final = re.compile(
    rb"POST (/[!-~]*) HTTP/1\.1\r\n((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\t -~\x80-\xff]*\r\n)+)\r\n"
)


class Reply(NamedTuple):
    """What came back on a connection, and whether the other side ended it."""

    data: bytes
    closed: bool

    def told(self) -> str:
        """The statuses in order, ``close`` at the end; ``wait`` where nothing came. 1xx are left out."""
        statuses = [status for status in self._statuses() if not status.startswith("1")]
        return " ".join([*statuses, *(["close"] if self.closed else [])]) or "wait"

    def _statuses(self) -> Iterator[str]:
        position = 0
        while (match := _STATUS.match(self.data, position)) is not None:
            end = self.data.find(b"\r\n\r\n", position) + 4
            fields = self.data[position:end].lower()
            length = re.search(rb"\r\ncontent-length: (\d+)", fields)
            size = int(length[1]) if length else 0
            yield match[1].decode()
            if not length and match[1] != b"100":
                return
            body = self.data[end : end + size]
            position = end + (size if not body.startswith(b"HTTP/1.") else 0)


def exchange(port: int, sent: bytes | tuple[bytes, ...], quiet_s: float = QUIET_S) -> Reply:
    """Send on a new connection; read until the other side ends it or falls silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sender = threading.Thread(target=_send, args=(client, (sent,) if isinstance(sent, bytes) else sent))
        sender.start()
        reply = _read(client, quiet_s)
        sender.join()
        return reply


def _send(client: socket.socket, pieces: tuple[bytes, ...]) -> None:
    try:
        for piece in pieces:
            client.sendall(piece)
            if len(pieces) > 1:
                threading.Event().wait(PAUSE_S)
    except OSError:
        pass  # it does not want the rest; what it said is read


def _read(client: socket.socket, quiet_s: float) -> Reply:
    client.settimeout(quiet_s)
    data = b""
    try:
        while piece := client.recv(1 << 18):
            data += piece
    except TimeoutError:
        return Reply(data, closed=False)
    except OSError:
        pass
    return Reply(data, closed=True)


def _serve(server: socket.socket, answer: Callable[[socket.socket, int], None]) -> None:
    """Give each connection, and its number from 1 on, to a thread of its own, until the server is closed."""

    def accept() -> None:
        for number in count(1):
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection, number), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


class Tap:
    """A provider that answers each request it understands and keeps what it got.

    ``strange`` is what should never reach one: anything but whole requests, framed by one length, in our hand.
    ``lenient``: of another proxy's hand, too.
    """

    def __init__(self, server: socket.socket, *, lenient: bool = False) -> None:
        self._lenient = lenient
        self.port = server.getsockname()[1]
        self.requests: list[bytes] = []
        self.strange: list[bytes] = []
        _serve(server, self._answer)

    def _answer(self, connection: socket.socket, _number: int) -> None:
        data = b""
        with connection:
            try:
                while piece := connection.recv(1 << 18):
                    data += piece
                    while (end := self._whole(data)) > 0:
                        self.requests.append(data[:end])
                        data = data[end:]
                        connection.sendall(ANSWER)
            except OSError:
                pass
        if data:
            self.strange.append(data)

    def _whole(self, data: bytes) -> int:
        """Where the first request in ``data`` ends; 0: it is not whole yet."""
        head_end = data.find(b"\r\n\r\n") + 4
        if head_end < 4:
            return 0
        if self._lenient:
            length = re.search(rb"\r\ncontent-length: (\d+)\r\n", data[:head_end], re.IGNORECASE)
            end = head_end + (int(length[1]) if length else 0)
            return end if len(data) >= end else 0
        match = _REQUEST.fullmatch(data[:head_end])
        lengths = re.findall(rb"^content-length: (\d+)\r$", data[:head_end], re.MULTILINE)
        codings = re.findall(rb"^(?:transfer-encoding|connection|upgrade|te):", data[:head_end], re.MULTILINE)
        if match is None or len(lengths) != 1 or codings:
            self.strange.append(data)
            return 0
        end = head_end + int(lengths[0])
        return end if len(data) >= end else 0


@contextmanager
def run_tap(*, lenient: bool = False) -> Iterator[Tap]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield Tap(server, lenient=lenient)


class Script:
    """A provider that answers the ``n``-th of its rows to a call for the model ``row-n``, on whatever connection."""

    def __init__(self, server: socket.socket, answers: list[tuple[bytes | tuple[bytes, ...], bool]]) -> None:
        self.port = server.getsockname()[1]
        self.connections: dict[int, list[int]] = {}
        """The connections, by number, that each row's calls came on."""
        self._answers = answers
        _serve(server, self._answer)

    def _answer(self, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = b""
        with connection:
            try:
                while piece := connection.recv(1 << 18):
                    data += piece
                    match = re.search(rb'"model":"row-(\d+)"\}$', data)
                    if match is None:
                        continue
                    data = b""
                    row = int(match[1])
                    self.connections.setdefault(row, []).append(number)
                    sent, closes = self._answers[row]
                    _send(connection, (sent,) if isinstance(sent, bytes) else sent)
                    if closes:
                        return
            except OSError:
                pass


@contextmanager
def run_script(answers: list[tuple[bytes | tuple[bytes, ...], bool]]) -> Iterator[Script]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield Script(server, answers)


def told_of_answer(reply: Reply) -> str:
    """``200 whole``, ``200 whole event`` (an error event of ours ends it) or ``200 cut``."""
    head, _, body = reply.data.partition(b"\r\n\r\n")
    match = _STATUS.match(head)
    if match is None:
        return "nothing"
    fields = head.lower()
    if length := re.search(rb"\r\ncontent-length: (\d+)", fields):
        whole = len(body) == int(length[1])
    elif b"\r\ntransfer-encoding: chunked" in fields:
        whole = body.endswith(b"0\r\n\r\n") and (body == b"0\r\n\r\n" or body.endswith(b"\r\n0\r\n\r\n"))
    else:
        whole = match[1] in (b"204", b"304") or reply.closed
    event = " event" if match[1] == b"200" and b'"code":"provider_cut_off"' in body else ""
    return f"{match[1].decode()} {'whole' if whole else 'cut'}{event}"
