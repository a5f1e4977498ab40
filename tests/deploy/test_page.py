"""examples/page.html in Chromium: before the real proxy from another origin with a key, and behind the sidecar without."""

import functools
import http.server
import threading
from contextlib import contextmanager

import pytest
from tests.parts import answers
from tests.parts.manifests import ROOT
from tests.parts.model_upstream import Hold, run_upstream
from tests.parts.node import run_script
from tests.parts.proxy import KEY, provider, run_proxy
from tests.parts.requirement import require
from tests.parts.sidecar import run_sidecar

EXAMPLES = ROOT / "examples"
PIECES = ("Hello", ", wörld ", "\n<b>!")

pytestmark = pytest.mark.slow


class Pages(http.server.SimpleHTTPRequestHandler):
    """The examples, and a path that lets the provider go on."""

    def __init__(self, *arguments, release, **more):
        self.release = release
        super().__init__(*arguments, directory=str(EXAMPLES), **more)

    def do_GET(self):
        if self.path == "/release":
            self.release.set()
            self.send_response(204)
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, format, *arguments):  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def serve_pages(release):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Pages, release=release))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def release():
    return threading.Event()


@pytest.fixture
def upstream(release):
    """A provider that stops in the middle of its stream until released."""
    with run_upstream() as upstream:
        ordinarily = upstream.ordinarily
        head, first, *rest = answers.stream(answers.chat_events(*({"content": piece} for piece in PIECES)))
        held = [head + first, Hold(release), *rest]
        upstream.ordinarily = lambda seen: (
            held if seen.method == "POST" and seen.json()["model"] == "m-2" else ordinarily(seen)
        )
        yield upstream


@pytest.fixture
def proxy(upstream, tmp_path):
    config = provider(upstream.endpoint, models=["m", "m-2"])
    with run_proxy(tmp_path / "proxy", config) as running:
        yield running


@pytest.fixture
def pages(release):
    with serve_pages(release) as origin:
        yield origin


def use_page(url, folder, **more):
    require("playwright-core")
    profile = folder / "profile"
    profile.mkdir()
    arguments = {
        "executablePath": str(require("chromium")),
        "url": url,
        "userDataDir": str(profile),
        "question": "Hello",
    }
    return run_script("example_page", {**arguments, **more}, folder, deadline_s=90)


def test_it_is_twenty_lines():
    assert len((EXAMPLES / "page.html").read_text().splitlines()) <= 20


def test_the_models_are_in_the_picker_and_the_answer_comes_as_it_is_made(proxy, pages, tmp_path):
    url = f"{pages}/page.html#proxy={proxy.url}&key={KEY}"
    results = use_page(url, tmp_path, model="m", release=f"{pages}/release", whole="Hello, world")
    assert "m" in results["models"]
    assert results["last"] == "Hello, world"


def test_the_first_words_stand_there_while_the_rest_is_with_the_provider(proxy, upstream, pages, tmp_path):
    upstream.ordinarily = with_models(upstream.ordinarily, "m-2")
    url = f"{pages}/page.html#proxy={proxy.url}&key={KEY}"
    results = use_page(url, tmp_path, model="m-2", release=f"{pages}/release", whole="".join(PIECES))
    assert results == {"models": ["m-2"], "first": "Hello", "last": "".join(PIECES)}
    request, _ = proxy.calls(1)[0]
    assert (request["client"], request["origin"]) == ("page/1", pages)


def with_models(ordinarily, *models):
    listed = answers.answer(
        answers.dump({"object": "list", "data": [{"id": one, "object": "model"} for one in models]})
    )
    return lambda seen: [listed] if seen.method == "GET" else ordinarily(seen)


def test_behind_the_sidecar_it_needs_no_key(proxy, upstream, pages, tmp_path):
    upstream.ordinarily = with_models(upstream.ordinarily, "m-2")
    with run_sidecar(tmp_path / "sidecar", proxy.url, KEY, EXAMPLES) as url:
        results = use_page(f"{url}/page.html", tmp_path, model="m-2", release=f"{pages}/release", whole="".join(PIECES))
    assert results["last"] == "".join(PIECES)


def test_a_refusal_is_shown(proxy, pages, tmp_path):
    results = use_page(f"{pages}/page.html#proxy={proxy.url}&key=wrong", tmp_path, model="m")
    assert results["models"] == []
    assert "key" in results["last"].lower()
