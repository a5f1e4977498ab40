"""Load by wrk: one thread, one static request, N connections that each send the next call when they have an answer."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.bodies import HEADERS, PATH
from bench.processes import RigError

_DONE = """
function done(summary, latency, requests)
  local parts = {}
  for i = 1, #latency do
    local value, count = latency(i)
    parts[i] = string.format("[%d,%d]", value, count)
  end
  local e = summary.errors
  io.write(string.format(
    'RESULT {"calls":%d,"duration_us":%d,"failed":%d,"latencies_us":[%s]}\\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout, table.concat(parts, ",")))
end
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What wrk counted. ``latencies_us`` are (microseconds, how often), ascending."""

    calls: int
    duration_us: int
    failed: int
    latencies_us: tuple[tuple[int, int], ...]

    def find_percentile_us(self, percent: float) -> float:
        """A percentile of the latencies; within a microsecond's bin, as if its samples were spread evenly over it.

        Raises:
            ValueError: there are none.
        """
        wanted = sum(count for _, count in self.latencies_us) * percent / 100
        seen = 0
        for value, count in self.latencies_us:
            if seen + count >= wanted and count:
                return value + (wanted - seen) / count
            seen += count
        raise ValueError("no latencies")


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_script(body: Path, more: Mapping[str, str] = {}) -> str:
    """The Lua script: one static request, so that wrk formats it once; results as one line of JSON."""
    fields = HEADERS | dict(more)
    headers = "".join(f"wrk.headers[{_quote(name)}] = {_quote(value)}\n" for name, value in fields.items())
    read = f'local file = io.open({_quote(str(body))}, "rb")\nwrk.body = file:read("*a")\nfile:close()\n'
    return 'wrk.method = "POST"\n' + read + headers + _DONE


def parse_output(text: str) -> Outcome:
    """Read the script's line out of what wrk printed.

    Raises:
        RigError: there is none, so wrk failed.
    """
    for line in reversed(text.splitlines()):
        if line.startswith("RESULT "):
            fields = json.loads(line.removeprefix("RESULT "))
            pairs = tuple((value, count) for value, count in fields.pop("latencies_us"))
            return Outcome(**fields, latencies_us=pairs)
    raise RigError(f"wrk gave no result:\n{text[-2000:]}")


@dataclass(frozen=True, slots=True)
class Load:
    """How much of what arrives."""

    request: bytes
    connections: int = 64
    answer_s: float = 0  # that an answer takes by its own pace; the warm-up is longer by that
    headers: Mapping[str, str] = field(default_factory=dict[str, str])  # beside the browser app's

    @contextmanager
    def run(self, port: int, seconds: float) -> Iterator["subprocess.Popen[str]"]:
        """Let wrk call for this long; the body of the ``with`` measures meanwhile. Take the result by ``finish``."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "body").write_bytes(self.request)
            (folder / "wrk.lua").write_text(write_script(folder / "body", self.headers))
            command = ["wrk", "-t1", f"-c{self.connections}", f"-d{max(1, round(seconds))}s", "--timeout", "300s"]
            command += ["-s", str(folder / "wrk.lua"), f"http://127.0.0.1:{port}{PATH}"]
            process = _start(command)
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def run_through(self, port: int, seconds: float) -> Outcome:
        """Call for this long and give what came of it."""
        with self.run(port, seconds) as process:
            return finish(process)


def _start(command: Sequence[str]) -> "subprocess.Popen[str]":
    try:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ)
        )
    except FileNotFoundError as error:
        raise RigError("no wrk to make load: install it") from error


def finish(process: "subprocess.Popen[str]") -> Outcome:
    """Wait for wrk and read its result.

    Raises:
        RigError: it failed, or a call did.
    """
    text = process.communicate(timeout=120)[0]
    outcome = parse_output(text)
    if outcome.failed:
        raise RigError(f"{outcome.failed} of {outcome.calls} calls failed:\n{text[-600:]}")
    return outcome


def sleep_until(moment: float) -> None:
    """Sleep to a moment of the monotonic clock."""
    time.sleep(max(0.0, moment - time.monotonic()))
