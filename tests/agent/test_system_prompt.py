import http.server
import threading

import pytest

from open_llm_proxy.agent.system_prompt import load_system_prompt
from open_llm_proxy.errors import UserError


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/prompt.md")
            self.end_headers()
            return
        self.send_response(200 if self.path == "/prompt.md" else 404)
        self.send_header("Content-Type", "text/markdown; charset=utf-8")
        self.end_headers()
        self.wfile.write("Sei knapp: ü".encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def url():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_file(tmp_path, monkeypatch):
    (tmp_path / "prompt.md").write_text("\ufeffBe brief\n", encoding="utf-8")
    assert load_system_prompt(str(tmp_path / "prompt.md")) == "Be brief\n"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_system_prompt("~/prompt.md") == "Be brief\n"


def test_a_url(url):
    assert load_system_prompt(f"{url}/prompt.md") == "Sei knapp: ü"
    assert load_system_prompt(f"{url}/moved") == "Sei knapp: ü"


def test_what_cannot_be_read_is_wrong_usage(tmp_path, url):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for place in (
        str(tmp_path / "none"),
        str(tmp_path),
        str(tmp_path / "binary"),
        f"{url}/none",
        "http://[",
        "http://",
    ):
        with pytest.raises(UserError, match="--system-prompt") as caught:
            load_system_prompt(place)
        assert caught.value.exit_code == 2


def test_a_server_that_is_not_there():
    with pytest.raises(UserError):
        load_system_prompt("http://127.0.0.1:9/prompt.md")
