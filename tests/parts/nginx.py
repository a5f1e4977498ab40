"""nginx as a provider: canned OpenAI answers, plain and over TLS, compressed or not, with its own framing."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import trustme
from tests.parts import answers
from tests.parts.ports import free_port, is_open
from tests.parts.processes import plain_environment, run_program
from tests.parts.requirement import require

PLAIN: Final = answers.dump(answers.chat("Hello from nginx"))
LONG: Final = answers.dump(answers.chat("a long answer " * 20_000))
EVENTS: Final = b"".join(answers.chat_events(*answers.CONTENT_DELTAS))
LIMITED: Final = answers.dump(answers.openai_error(429, "rate_limit_error"))


class Nginx(NamedTuple):
    """A running one. ``folder`` holds the certificate authority as ``ca.pem``."""

    url: str
    tls_url: str
    authority: Path


CONFIG: Final = """\
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path temp-body; proxy_temp_path temp-proxy; fastcgi_temp_path temp-fastcgi;
  uwsgi_temp_path temp-uwsgi; scgi_temp_path temp-scgi;
  gzip_types application/json text/event-stream;
  gzip_proxied any;
  server {{
    listen 127.0.0.1:{port};
    listen 127.0.0.1:{tls_port} ssl;
    ssl_certificate server.pem;
    ssl_certificate_key server.key;
    root files;
    error_page 405 =200 $uri;
    default_type application/json;
    location /plain/ {{ }}
    location /gzip/ {{ gzip on; gzip_min_length 1; }}
    location /stream/ {{ default_type text/event-stream; }}
    location /limited/ {{
      add_header retry-after 7 always;
      add_header x-ratelimit-limit 60 always;
      return 429 '{limited}';
    }}
    location /moved/ {{ return 307 http://127.0.0.1:{port}/plain/v1/chat/completions; }}
  }}
}}
"""


@contextmanager
def run_nginx(folder: Path) -> Iterator[Nginx]:
    """An nginx for as long as the block takes; ``/<kind>/v1/chat/completions`` gives each kind of answer."""
    program = require("nginx")
    port, tls_port = free_port(), free_port()
    _write_certificates(folder)
    for kind, body in {"plain": PLAIN, "gzip": LONG, "stream": EVENTS}.items():
        path = folder / "files" / kind / "v1/chat/completions"
        path.parent.mkdir(parents=True)
        path.write_bytes(body)
    text = CONFIG.format(port=port, tls_port=tls_port, limited=LIMITED.decode())
    (folder / "nginx.conf").write_text(textwrap.dedent(text))
    # Its first error log is one of the system's, unless told.
    command = [program, "-p", folder, "-c", "nginx.conf", "-e", "stderr"]
    with run_program(command, env=plain_environment(folder), folder=folder) as running:
        running.wait_until(lambda: is_open(port) and is_open(tls_port), "an nginx that listens")
        yield Nginx(f"http://127.0.0.1:{port}", f"https://localhost:{tls_port}", folder / "ca.pem")


def _write_certificates(folder: Path) -> None:
    authority = trustme.CA()
    server = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server.private_key_pem.write_to_path(folder / "server.key")
    for pem in server.cert_chain_pems:
        pem.write_to_path(folder / "server.pem", append=True)
