"""The sidecar: a real nginx with ``deploy/sidecar/nginx.conf.template``, filled in as nginx's own image does it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.parts.manifests import DEPLOY
from tests.parts.ports import free_port, is_open
from tests.parts.processes import plain_environment, run_program
from tests.parts.requirement import require

TEMPLATE: Final = DEPLOY / "sidecar" / "nginx.conf.template"
AROUND: Final = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path temp-body; proxy_temp_path temp-proxy; fastcgi_temp_path temp-fastcgi;
  uwsgi_temp_path temp-uwsgi; scgi_temp_path temp-scgi;
  {server}
}}
"""


def fill(values: Mapping[str, str]) -> str:
    """The template with its ``${…}`` filled in; nothing else that begins with ``$`` is touched (nginx's own)."""
    text = TEMPLATE.read_text()
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text


@contextmanager
def run_sidecar(folder: Path, proxy_url: str, key: str, pages: Path) -> Iterator[str]:
    """A sidecar that serves ``pages`` and passes calls on, for as long as the block takes; its URL."""
    program, port = require("nginx"), free_port()
    server = fill({"OPEN_LLM_PROXY_URL": proxy_url, "PROXY_KEY": key})
    for before, after in (("listen 8080", f"listen 127.0.0.1:{port}"), ("/usr/share/nginx/html", str(pages))):
        assert before in server
        server = server.replace(before, after)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(AROUND.format(server=server))
    command = [program, "-p", folder, "-c", "nginx.conf", "-e", "stderr"]
    with run_program(command, env=plain_environment(folder), folder=folder) as running:
        running.wait_until(lambda: is_open(port), "an nginx that listens")
        yield f"http://127.0.0.1:{port}"
