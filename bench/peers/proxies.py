"""nginx, HAProxy, Caddy: what is put before a provider where nothing has to know what a model is."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench import nginx
from bench.bodies import PROVIDER_KEY
from bench.peers.installed import ask_version, measure_debian
from bench.peers.peer import AUTHORIZATION, Launch, Peer, Place, Record, Running, name_by_number

_CALL = re.compile(rb"[?&]call=(\d+) HTTP")
_CADDY_CALL = re.compile(rb'"uri":"[^"]*[?&]call=(\d+)"')


def find_calls(file: Path, pattern: re.Pattern[bytes] = _CALL) -> set[str]:
    """The calls' numbers in whole lines of a log."""
    data = file.read_bytes() if file.exists() else b""
    whole = data[: data.rfind(b"\n") + 1]
    return {number.decode() for number in pattern.findall(whole)}


def write_nginx(place: Place, log: str) -> Launch:
    """The measure's own configuration, with a key check and an access log."""
    text = nginx.write_proxy(place.folder, place.port, place.upstream.port, buffering=False, authority=place.authority)
    check = f'      if ($http_authorization != "{AUTHORIZATION}") {{ return 401; }}\n'
    key = f'      proxy_set_header Authorization "Bearer {PROVIDER_KEY}";\n'
    text = text.replace("access_log off;", f"access_log {place.folder}/access.log combined{log};")
    text = text.replace("    location / {\n", f"    location / {{\n{check}{key}")
    file = place.folder / "nginx.conf"
    file.write_text(text)
    return Launch(["nginx", "-e", f"{place.folder}/error.log", "-p", str(place.folder), "-c", str(file)])


_HAPROXY = """\
global
  log stdout format raw local0
  maxconn 9000
  nbthread 1
defaults
  mode http
  log global
  option httplog
  timeout connect 10s
  timeout client 300s
  timeout server 300s
  http-reuse always
frontend clients
  bind 127.0.0.1:{port}
  http-request deny deny_status 401 unless {{ req.hdr(authorization) -m str "{authorization}" }}
  http-request set-header Authorization "Bearer {key}"
  default_backend provider
backend provider
  server one {server}
"""


def write_haproxy(place: Place) -> Launch:
    """One server behind one frontend; its log on stdout, as in a container."""
    server = f"127.0.0.1:{place.upstream.port}"
    if place.authority:
        server += f" ssl verify required ca-file {place.authority} sni str(localhost) verifyhost localhost"
    file = place.folder / "haproxy.cfg"
    file.write_text(_HAPROXY.format(port=place.port, authorization=AUTHORIZATION, key=PROVIDER_KEY, server=server))
    return Launch(["haproxy", "-db", "-f", str(file)])


_CADDY = """\
{{
  admin off
  auto_https off
}}
http://:{port} {{
  bind 127.0.0.1
  log {{
    output file {folder}/access.log
  }}
  @stranger not header Authorization "{authorization}"
  respond @stranger 401
  reverse_proxy {base} {{
    header_up Authorization "Bearer {key}"
    flush_interval -1
{transport}  }}
}}
"""
_CADDY_TLS = """\
    transport http {{
      tls_trusted_ca_certs {authority}
      tls_server_name localhost
    }}
"""


def write_caddy(place: Place) -> Launch:
    """A reverse proxy with a JSON access log in a file."""
    transport = _CADDY_TLS.format(authority=place.authority) if place.authority else ""
    file = place.folder / "Caddyfile"
    file.write_text(
        _CADDY.format(
            port=place.port, folder=place.folder, authorization=AUTHORIZATION, base=place.base, key=PROVIDER_KEY,
            transport=transport,
        )
    )  # fmt: skip
    return Launch(["caddy", "run", "--adapter", "caddyfile", "--config", str(file)])


def in_access_log(pattern: re.Pattern[bytes] = _CALL) -> Callable[[Running], set[str]]:
    """Ids from the access log in the peer's folder."""
    return lambda running: find_calls(running.place.folder / "access.log", pattern)


NGINX = Peer(
    name="nginx",
    language="C",
    source="Debian nginx",
    write=lambda place: write_nginx(place, ""),
    find_version=lambda: ask_version("/usr/sbin/nginx", "-v"),
    measure_size=lambda: measure_debian("nginx", "nginx-common"),
    logging="access_log combined, to a file",
    record=Record(what="access log, unbuffered", bodies="no", name_call=name_by_number, find_ids=in_access_log()),
)
NGINX_BUFFERED = replace(
    NGINX,
    name="nginx, log buffered",
    write=lambda place: write_nginx(place, " buffer=64k flush=5s"),
    logging="access_log combined buffer=64k flush=5s",
    record=replace(NGINX.record, what="access log, buffer=64k flush=5s"),
)
HAPROXY = Peer(
    name="HAProxy",
    language="C",
    source="Debian haproxy",
    write=write_haproxy,
    find_version=lambda: ask_version("haproxy", "-v"),
    measure_size=lambda: measure_debian("haproxy", "liblua5.3-0"),
    logging="option httplog, stdout to a file",
    record=Record(
        what="httplog on stdout, a file",
        bodies="no",
        name_call=name_by_number,
        find_ids=lambda running: find_calls(running.stdout),
    ),
)
CADDY = Peer(
    name="Caddy",
    language="Go",
    source="Debian caddy",
    write=write_caddy,
    find_version=lambda: ask_version("caddy", "version"),
    measure_size=lambda: measure_debian("caddy"),
    logging="JSON access log, to a file",
    record=Record(what="JSON access log", bodies="no", name_call=name_by_number, find_ids=in_access_log(_CADDY_CALL)),
)
