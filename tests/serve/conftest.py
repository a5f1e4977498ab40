"""`open-llm-proxy serve` as a process with its children, and a provider that a test can hold up."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

KEY = "key-of-tests"
PATIENCE_S = 30
POLL_S = 0.01
HERE = Path(__file__).parent
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[2], sys.argv[2:])"
)


def wait_until(condition: Callable[[], Any]) -> Any:
    """What ``condition`` gives once it gives something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(POLL_S)
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text() if Path("/proc/self").exists() else True


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
        return True


class Caller(threading.Thread):
    """A call under way: ``answer``, or ``error``."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__()
        self._call = call
        self.answer: Any = None
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self._call()
        except (OSError, http.client.HTTPException) as error:
            self.error = error


class Served:
    """A running ``serve``: its lines on stderr, its children, and calls to it."""

    wait_until = staticmethod(wait_until)
    is_alive = staticmethod(is_alive)
    is_free = staticmethod(is_free)

    def __init__(self, arguments: list[str], environment: dict[str, str], cwd: Path, terminal: int | None) -> None:
        taking = [] if terminal is None else ["-c", TAKE_TERMINAL, str(terminal), sys.executable]
        self.process = subprocess.Popen(
            [sys.executable, *taking, *arguments],
            env=environment,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=terminal is not None,
            pass_fds=() if terminal is None else (terminal,),
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    @property
    def pid(self) -> int:
        return self.process.pid

    def line(self, pattern: str, number: int = 1) -> re.Match[str]:
        """The ``number``-th line that has ``pattern``, waited for."""

        def find() -> re.Match[str] | None:
            found = [match for line in list(self.lines) if (match := re.search(pattern, line))]
            if len(found) < number and self.process.poll() is not None and not self._reader.is_alive():
                pytest.fail(f"ended with {self.process.returncode}, said only: {self.lines}")
            return found[number - 1] if len(found) >= number else None

        return wait_until(find)

    @property
    def port(self) -> int:
        return int(self.line(r"listening on http://.*:(\d+)$").group(1))

    def children(self, role: str) -> list[int]:
        """The process ids of the children of a role."""
        command = ["pgrep", "-P", str(self.pid), "-f", rf"serve[./]{role}|(children|darwin).py {role}"]
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
        return sorted(int(word) for word in listed.stdout.split())

    def child(self, role: str, but: int = 0) -> int:
        """A child of a role that is another one than ``but``, waited for."""
        return wait_until(lambda: [pid for pid in self.children(role) if pid != but])[0]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {KEY}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def call(self, model: str = "alpha") -> Any:
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.port}/v1/chat/completions"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def begin_call(self) -> Caller:
        return Caller(self.call)

    def refusal(self, model: str = "alpha") -> int:
        """The HTTP status that a call is refused with."""
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.call(model)
        with caught.value as error:
            return error.code

    def send_signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit status."""
        self.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        status = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return status

    def clean_up(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()


class Provider:
    """An upstream on loopback. ``gate`` closed: calls have come in, their answers wait."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.calls = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                provider.calls += 1
                provider.gate.wait(PATIENCE_S)
                message = {"role": "assistant", "content": "hello"}
                choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
                body = json.dumps({"id": "c1", "object": "chat.completion", "choices": choices}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the caller was killed
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/chat/completions"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def provider():
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def config(provider):
    """What a test's config.json holds, for it to change before it serves."""
    return {
        "listen": {"host": "127.0.0.1", "port": 0},
        "metrics": {"port": 0},
        "providers": {"main": {"endpoint": provider.url, "models": ["alpha"]}},
    }


@pytest.fixture
def environment(tmp_path):
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH", "TMPDIR") if name in os.environ}
    return {**keep, "PROXY_KEY": KEY, "SPOOL_DIR": str(tmp_path / "spool"), "LOG_DIR": str(tmp_path / "logs")}


@pytest.fixture
def write(tmp_path, config):
    """Write the configuration, as it is now or with changes at its top, as an editor does."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "config.json"
        path.with_suffix(".new").write_text(json.dumps({**config, **changes}))
        return path.with_suffix(".new").rename(path)

    return write


@pytest.fixture
def start(tmp_path, environment, write):
    """Start a ``serve`` with flags; ``fake`` gives it children that misbehave (children.py), ``terminal`` is its own.

    ``darwin``: on a system that is as macOS (darwin.py).
    """
    started: list[Served] = []

    def start(*flags: str, fake: str = "", darwin: bool = False, terminal: int | None = None, **more: str) -> Served:
        if not (tmp_path / "config.json").exists():
            write()
        command = [str(HERE / "children.py"), "supervisor"] if fake else ["-m", "open_llm_proxy", "serve"]
        if darwin:
            command = [str(HERE / "darwin.py"), "supervisor"]
        served = Served([*command, *flags], {**environment, "MISBEHAVE": fake, **more}, tmp_path, terminal)
        started.append(served)
        return served

    yield start
    for served in started:
        served.clean_up()
