"""nginx as the measure (``proxy_pass``), and as a provider with TLS. One worker each, all files in the run's folder."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import accounts
from bench.certificates import Certificates
from bench.processes import RigError, running, wait_until

# Bodies stay in memory (a temporary file a request would be no fair measure), connections are kept for good.
_FRAME = """\
{user}worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_rlimit_nofile 20000;
events {{ worker_connections 9000; }}
http {{
  access_log off;
  server_tokens off;
  default_type application/json;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_body_buffer_size 1m;
  client_max_body_size 64m;
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
  tcp_nodelay on;
{http}}}
"""
_UPSTREAM = """\
  upstream provider {{
    server {address};
    keepalive 2048;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
  }}
"""
_PROXY = """\
{upstream}  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass {scheme}://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering {buffering};
      proxy_read_timeout 300s;
{tls}    }}
  }}
"""
_VERIFY = """\
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate {authority};
      proxy_ssl_protocols TLSv1.3;
      proxy_ssl_server_name on;
      proxy_ssl_name localhost;
      proxy_set_header Host localhost;
"""
_PROVIDER = """\
{upstream}  server {{
    listen 127.0.0.1:{status_port};
    location / {{ stub_status; }}
  }}
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    server_name localhost;
    ssl_certificate {chain};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    location {path} {{
{answer}    }}
  }}
"""
_CANNED = "      return 200 '{body}';\n"
_PASSED = """\
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 300s;
"""


def _write_frame(folder: Path, http: str) -> str:
    user = "user root;\n" if os.geteuid() == 0 else ""  # else its worker could not write into the folder
    return _FRAME.format(folder=folder, user=user, http=http)


def write_proxy(folder: Path, port: int, provider_port: int, *, buffering: bool, authority: Path | None) -> str:
    """The configuration of the side: plain HTTP to the provider, or, with an authority, verified TLS."""
    upstream = _UPSTREAM.format(address=f"127.0.0.1:{provider_port}")
    server = _PROXY.format(
        upstream=upstream,
        port=port,
        scheme="https" if authority else "http",
        buffering="on" if buffering else "off",
        tls=_VERIFY.format(authority=authority) if authority else "",
    )
    return _write_frame(folder, server)


def quote(body: bytes) -> str:
    """A body inside nginx's single quotes.

    Raises:
        ValueError: it holds a ``$``, which nginx would take for a variable and cannot be told not to.
    """
    text = body.decode()
    if "$" in text:
        raise ValueError("a canned answer may hold no $")
    return text.replace("\\", "\\\\").replace("'", "\\'")


def write_provider(
    folder: Path, port: int, status_port: int, certificates: Certificates, path: str, *, body: bytes, target: str | None
) -> str:
    """The configuration of the provider with TLS: answers ``body``, or what ``target`` answers."""
    address = (target or "").removeprefix("http://")
    server = _PROVIDER.format(
        upstream=_UPSTREAM.format(address=address) if target else "",
        port=port,
        status_port=status_port,
        chain=certificates.chain,
        key=certificates.key,
        path=path,
        answer=_PASSED if target else _CANNED.format(body=quote(body)),
    )
    return _write_frame(folder, server)


@contextmanager
def serve(folder: Path, configuration: str, port: int) -> Iterator[int]:
    """Run nginx; give the pid of its one worker.

    Raises:
        RigError: there is no nginx, or it did not start.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise RigError("no nginx to measure beside: install it")
    folder.mkdir(exist_ok=True)
    file = folder / "nginx.conf"
    file.write_text(configuration)
    command = [program, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(file)]
    with running(command, log=folder / "nginx.log", port=port) as master:
        wait_until(lambda: bool(accounts.list_descendants(master)), "nginx's worker", seconds=5)
        yield accounts.list_descendants(master)[0]
