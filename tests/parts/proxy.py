"""The real proxy: ``open-llm-proxy serve`` as its users start it, on a free port, with folders of its own."""

import json
import re
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.parts.processes import Program, plain_environment, run_program, wait_until

KEY: Final = "sk-client-key-of-tests"
FLUSH_S: Final = "0.2"
COMMAND: Final = (Path(sys.executable).with_name("open-llm-proxy"), "serve", "--host", "127.0.0.1", "--port", "0")
LISTENING: Final = re.compile(r"listening on (http://[\d.]+:(\d+))")


class CallRecords(NamedTuple):
    """The two records of a call."""

    request: dict[str, Any]
    response: dict[str, Any]


class Proxy:
    """A proxy that serves. ``url`` is its root, ``base_url`` what OpenAI's clients want."""

    def __init__(self, program: Program, url: str, folder: Path) -> None:
        self.program = program
        self.url = url
        self.base_url = f"{url}/v1"
        self.port = int(url.rpartition(":")[2])
        self.key = KEY
        self.log_dir = folder / "logs"
        self.spool_dir = folder / "spool"
        self.config_path = folder / "config.json"

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/health", timeout=10) as answer:
            return json.load(answer)

    def records(self) -> list[dict[str, Any]]:
        """All records in the log folder so far. Raises where a file is not whole lines of JSON."""
        files = sorted(self.log_dir.glob("*/*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]

    def records_of(self, request_id: str) -> CallRecords:
        """Wait for a call's two records."""
        found: list[dict[str, Any]] = []

        def both() -> bool:
            found[:] = [one for one in self.records() if one.get("request_id") == request_id]
            return len(found) >= 2

        self.program.wait_until(both, f"two records of {request_id} in {self.log_dir}")
        return _pair(found)

    def calls(self, count: int) -> list[CallRecords]:
        """Wait for the records of so many calls, in the order of their requests."""
        by_id: dict[str, list[dict[str, Any]]] = {}

        def enough() -> bool:
            by_id.clear()
            for one in self.records():
                if one["type"] in {"request", "response"}:
                    by_id.setdefault(one["request_id"], []).append(one)
            return sum(len(found) == 2 for found in by_id.values()) >= count

        self.program.wait_until(enough, f"the records of {count} calls")
        pairs = (_pair(found) for found in by_id.values() if len(found) == 2)
        return sorted(pairs, key=lambda pair: pair.request["timestamp"])


def _pair(found: list[dict[str, Any]]) -> CallRecords:
    by_type = {one["type"]: one for one in found}
    assert len(found) == 2, found
    assert set(by_type) == {"request", "response"}, found
    return CallRecords(by_type["request"], by_type["response"])


@contextmanager
def run_proxy(
    folder: Path,
    config: Mapping[str, Any] | None = None,
    *,
    env: Mapping[str, str] = {},
    arguments: Sequence[str] = (),
    prefix: Sequence[str] = (),
) -> Iterator[Proxy]:
    """A proxy for as long as the block takes; without a ``config`` the shipped one.

    ``env`` adds to a plain environment; an empty value there takes a variable of ours out. ``prefix`` is a command that
    becomes the proxy (``namespaces.py``).
    """
    folder.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [*prefix, *COMMAND, *arguments]
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
        command += ["--config", str(folder / "config.json")]
    variables = plain_environment(folder) | {
        "PROXY_KEY": KEY,
        "LOG_DIR": str(folder / "logs"),
        "SPOOL_DIR": str(folder / "spool"),
        "FLUSH_INTERVAL": FLUSH_S,
        "METRICS_PORT": "0",
        "DRAIN_SECONDS": "5",
        **env,
    }
    with run_program(command, env=variables, folder=folder) as program:
        program.wait_until(lambda: LISTENING.search(program.stderr), "the line with the address")
        found = LISTENING.search(program.stderr)
        assert found
        proxy = Proxy(program, found[1], folder)
        wait_until(lambda: proxy.health()["status"] == "healthy", "a healthy proxy")
        yield proxy
        if program.process.poll() is None:
            assert program.stop() == 0, program.stderr


def provider(endpoint: str, **more: Any) -> dict[str, Any]:
    """A config with one provider, ``up``, that takes every model, and no key."""
    return {"providers": {"up": {"endpoint": endpoint, **more}}, "default_provider": "up"}
