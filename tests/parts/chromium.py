"""Chromium on a page of ours that loads the official OpenAI client, from an origin that is not the proxy's."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.parts.node import SCRIPTS, run_script
from tests.parts.requirement import NODE_MODULES, require

PAGE = b'<!doctype html><meta charset="utf-8"><title>page</title><script type="module" src="/page.js"></script>'


class _Pages(http.server.BaseHTTPRequestHandler):
    """The page, its script, and the client's modules as they were published: no bundler is needed."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        file = SCRIPTS / "page.js" if path == "/page.js" else NODE_MODULES / path.lstrip("/")
        body = PAGE if path == "/" else file.read_bytes() if file.is_file() else None
        self.send_response(200 if body is not None else 404)
        self.send_header("content-type", "text/html" if path == "/" else "text/javascript")
        self.send_header("content-length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def _serve_pages() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run_page(base_url: str, key: str, folder: Path) -> Any:
    """What ``node/page.js`` got from the proxy at ``base_url``."""
    require("playwright-core")
    require("openai for node")
    chromium = require("chromium")
    with _serve_pages() as origin:
        url = f"{origin}/?{urlencode({'baseURL': base_url, 'apiKey': key})}"
        profile = folder / "profile"
        profile.mkdir()
        arguments = {"executablePath": str(chromium), "url": url, "userDataDir": str(profile)}
        return run_script("browser", arguments, folder, deadline_s=90)
