"""A store that fails as it is told: it refuses, is slow, is down. What it takes is kept in the order it came."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.parts.bucket import records_in
from tests.parts.ports import free_port

BUCKET = "logs"


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that did not wait, or was killed."""


class FaultyStore:
    """An S3 that only takes puts.

    Attributes:
        refusal: Status and code that each put is answered with; None: it is taken.
        attempts: How many puts came.
        open: Not set: puts wait.
        lines: How many lines all files together had.
        forgets: Files are not kept, only counted.
    """

    def __init__(self) -> None:
        self.refusal: tuple[int, str] | None = None
        self.attempts = 0
        self.open = threading.Event()
        self.open.set()
        self.taken: list[tuple[str, bytes]] = []
        self.lines = 0
        self.forgets = False
        self._port = free_port()
        self._server: http.server.ThreadingHTTPServer | None = None

    def environment(self) -> dict[str, str]:
        """The proxy's variables that make this its store."""
        return {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret-of-the-store",
            "AWS_S3_ENDPOINT_URL": f"http://127.0.0.1:{self._port}",
            "LOG_BUCKET": BUCKET,
            "LOG_DIR": "",
        }

    def go_up(self) -> None:
        """Listen."""
        self._server = _Server(("127.0.0.1", self._port), _handler_of(self))
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def go_down(self) -> None:
        """Refuse connections."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def take(self, key: str, data: bytes) -> tuple[int, str] | None:
        """One put; what it is refused with."""
        self.attempts += 1
        self.open.wait(60)
        if self.refusal is None:
            self.lines += data.count(b"\n")
            self.taken.append((key, b"" if self.forgets else data))
        return self.refusal

    def keys(self) -> list[str]:
        return [key for key, _ in self.taken]

    def records(self) -> list[dict[str, Any]]:
        """The records, in the order their files came; a file that came twice counts once."""
        files = dict(self.taken)
        return [record for key in files if key.endswith(".jsonl") for record in records_in(files[key], key)]


def _handler_of(store: FaultyStore) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            data = self.rfile.read(int(self.headers["content-length"]))
            refusal = store.take(self.path.removeprefix(f"/{BUCKET}/"), data)
            status, code = refusal or (200, "")
            body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode() if refusal else b""
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("etag", '"x"')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not on the tests' stderr."""

    return Handler


@contextmanager
def run_faulty_store() -> Iterator[FaultyStore]:
    """A store that is up, for as long as the block takes."""
    store = FaultyStore()
    store.go_up()
    try:
        yield store
    finally:
        store.open.set()
        store.go_down()
