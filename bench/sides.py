"""What is measured: nginx's ``proxy_pass``, and the proxy. Both are started afresh for every round."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench import accounts, nginx
from bench.bodies import CLIENT_KEY, MODEL, PATH, PROVIDER_KEY
from bench.machine import Cores, find_port
from bench.processes import RigError, running, wait_until
from bench.provider import Provider

WORKER = "open_llm_proxy.serve.worker"
RECORDER = "open_llm_proxy.serve.recorder"


@dataclass(frozen=True, slots=True)
class Side:
    """A running server to measure: its port, and the pid of the process whose CPU counts."""

    name: str
    port: int
    worker: int
    recorder: int | None = None
    spool: Path | None = None

    def read_health(self) -> dict[str, Any]:
        """The log side's counters, as ``/health`` tells them."""
        with urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
            return json.load(answer)["logging"]


Start = Callable[[], AbstractContextManager[Side]]


@dataclass(frozen=True, slots=True)
class Bay:
    """Where sides run: cores, a folder for their files, and the proxy's command."""

    cores: Cores
    folder: Path
    command: tuple[str, ...]

    @contextmanager
    def start_direct(self, provider: Provider) -> Iterator[Side]:
        """Nothing between: the provider itself, for latencies."""
        yield Side("direct", provider.port, 0)

    @contextmanager
    def start_nginx(self, provider: Provider, *, buffering: bool) -> Iterator[Side]:
        """Nginx before the provider, its worker alone on the measured core."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            folder, port = Path(name), find_port()
            authority = provider.certificates.authority if provider.certificates else None
            text = nginx.write_proxy(folder, port, provider.port, buffering=buffering, authority=authority)
            with nginx.serve(folder, text, port) as worker:
                accounts.pin(worker, set(self.cores.measured))
                yield Side("nginx", port, worker)

    @contextmanager
    def start_proxy(self, provider: Provider, setup: "Setup | None" = None) -> Iterator[Side]:
        """The proxy before the provider: its worker alone on the measured core, its recorder on the others."""
        setup = setup or Setup()
        with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as name:
            folder, port = Path(name), find_port()
            (folder / "config.json").write_text(json.dumps(write_config(provider)))
            command = [*self.command, "serve", "--config", str(folder / "config.json"), "--host", "127.0.0.1"]
            stdout = folder / "stdout" if setup.keep_stdout else None
            env = write_environment(folder) | setup.env
            with running(
                [*command, "--port", str(port)], log=folder / "stderr", port=port, env=env, stdout=stdout
            ) as pid:
                worker, recorder = self._find_children(pid)
                accounts.pin(worker, set(self.cores.measured))
                if setup.idle_recorder:
                    accounts.make_idle(recorder)
                yield Side("proxy", port, worker, recorder, folder / "spool")

    def _find_children(self, supervisor: int) -> tuple[int, int]:
        def look() -> dict[str, int]:
            found: dict[str, int] = {}
            for pid in accounts.list_descendants(supervisor):
                command = accounts.read_command(pid)
                found.update({role: pid for role in (WORKER, RECORDER) if role in command})
            return found

        wait_until(lambda: len(look()) == 2, "worker and recorder", seconds=10)
        found = look()
        return found[WORKER], found[RECORDER]


@dataclass(frozen=True, slots=True)
class Setup:
    """How the proxy is started for a row."""

    env: dict[str, str] = field(default_factory=dict[str, str])
    keep_stdout: bool = False  # into a file on the run's disk; else it is thrown away
    idle_recorder: bool = True  # it shares a core with load and provider, and must not slow them


def write_config(provider: Provider) -> dict[str, Any]:
    """A configuration as a group would have it: three providers to route among, thinking switches, tidy-ups."""
    base = f"https://localhost:{provider.port}" if provider.certificates else f"http://127.0.0.1:{provider.port}"
    return {
        "default_provider": None,
        "limits": {"spool_bytes": 1 << 40},  # nothing is left out of the spool, however long a run is
        "ca_file": str(provider.certificates.authority) if provider.certificates else None,
        "providers": {
            "bench": {
                "endpoint": f"{base}{PATH}",
                "api_key_env": "BENCH_API_KEY",
                "models": ["kimi", "qwen3", "glm-4.7", "gpt-oss", MODEL],
                "model_prefixes": [],
                "thinking_models": {"kimi": "thinking", "qwen3": "enable_thinking", "glm-4.7": "enable_thinking"},
                "drop_tool_choice_without_tools": True,
            },
            "other": {
                "endpoint": f"http://127.0.0.1:9{PATH}",
                "model_prefixes": ["anthropic/", "mistralai/", "openai/", "qwen/", "~"],
                "models": [],
                "extra_headers": {"HTTP-Referer": "https://nrp-nautilus.io", "X-Title": "open-llm-proxy"},
            },
            "third": {"endpoint": f"http://127.0.0.1:9{PATH}", "model_prefixes": ["claude-"], "models": []},
        },
    }


def write_environment(folder: Path) -> dict[str, str]:
    """The proxy's environment: keys and folders, and nothing of the shell's that could reach a store."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    return kept | {
        "PROXY_KEY": CLIENT_KEY,
        "BENCH_API_KEY": PROVIDER_KEY,
        "LOG_DIR": str(folder / "logs"),
        "SPOOL_DIR": str(folder / "spool"),
        "METRICS_PORT": "0",
    }


def find_command() -> tuple[str, ...]:
    """The ``open-llm-proxy`` beside this Python, or on the path.

    Raises:
        RigError: there is none.
    """
    beside = Path(sys.executable).with_name("open-llm-proxy")
    found = str(beside) if beside.exists() else shutil.which("open-llm-proxy")
    if found is None:
        raise RigError("no open-llm-proxy to measure: run `make install`")
    return (found,)
