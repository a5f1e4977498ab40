"""The same requests through nginx and h11: does it take them, refuse them, or wait for more?"""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import h11
from tests.attacks.wire import exchange
from tests.parts.ports import free_port, is_open
from tests.parts.processes import plain_environment, run_program
from tests.parts.requirement import require

TAKEN, REFUSED, WAITS = "taken", "refused", "waits"
# What the HTTP layer says no with; other statuses are an application's word on a request that HTTP has taken.
_REFUSALS: Final = (
    "400 close",
    "408 close",
    "413 close",
    "414 close",
    "417 close",
    "431 close",
    "501 close",
    "505 close",
)

_CONFIG: Final = """\
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path temp-body; proxy_temp_path temp-proxy; fastcgi_temp_path temp-fastcgi;
  uwsgi_temp_path temp-uwsgi; scgi_temp_path temp-scgi;
  large_client_header_buffers 4 64k;
  client_max_body_size 64m;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{provider}; proxy_http_version 1.1; proxy_set_header connection ""; }}
  }}
}}
"""


def verdict(told: str) -> str:
    """Of ``wire.Reply.told``, by the last thing said."""
    if told == "wait":
        return WAITS
    return REFUSED if told.endswith(_REFUSALS) or told == "close" else TAKEN


@contextmanager
def run_nginx(folder: Path, provider: int) -> Iterator[int]:
    """The port of an nginx that passes everything on."""
    binary = require("nginx")
    port = free_port()
    (folder / "nginx.conf").write_text(textwrap.dedent(_CONFIG).format(port=port, provider=provider))
    command = [binary, "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr"]
    with run_program(command, env=plain_environment(folder), folder=folder, cwd=folder) as program:
        program.wait_until(lambda: is_open(port), "nginx listens")
        yield port


def ask_nginx(port: int, sent: bytes | tuple[bytes, ...], quiet_s: float) -> str:
    told = exchange(port, sent, quiet_s).told()
    return verdict(told.replace("505 close", "400 close"))


def ask_h11(sent: bytes | tuple[bytes, ...]) -> str:
    """What h11 says of the bytes: each request answered, then the next."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=65_536)
    connection.receive_data(b"".join(sent) if isinstance(sent, tuple) else sent)
    said = WAITS
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            return REFUSED
        if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
            return said
        if event is h11.PAUSED:
            if connection.their_state is not h11.DONE:
                return said
            connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            connection.send(h11.EndOfMessage())
            if connection.our_state is not h11.DONE:
                return said
            connection.start_next_cycle()
        elif isinstance(event, h11.EndOfMessage):
            said = TAKEN
