"""A ``serve`` that is killed and started again, on the same port and the same spool."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.parts.ports import free_port
from tests.parts.processes import DEADLINE_S, Program, plain_environment, wait_until
from tests.parts.proxy import COMMAND, FLUSH_S, KEY

START_S: Final = 60.0
STOP_S: Final = 60.0
CHILD: Final = "open_llm_proxy.serve."


class Service:
    """``start`` it as often as it ends.

    Args:
        folder: Configuration, spool and output are here.
        config: What ``config.json`` says.
        env: Variables beside the plain ones.
        arguments: More of the command line.
    """

    def __init__(
        self, folder: Path, config: Mapping[str, Any], env: Mapping[str, str] = {}, arguments: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = KEY
        self.env = dict(env)
        self.arguments = list(arguments)
        self.prefix: list[str] = []
        self.programs: list[Program] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.configure(config)

    def configure(self, config: Mapping[str, Any]) -> None:
        """What the next start reads."""
        (self.folder / "config.json").write_text(json.dumps(config))

    # --- its life ------------------------------------------------------------------------------------------------

    def launch(self) -> Program:
        """Start it and do not wait."""
        folder = self.folder / f"start-{len(self.programs)}"
        folder.mkdir()
        command: list[str | Path] = [
            *self.prefix,
            *COMMAND[:-1],
            str(self.port),
            "--config",
            self.folder / "config.json",
        ]
        variables = plain_environment(self.folder) | {
            "PROXY_KEY": KEY,
            "SPOOL_DIR": str(self.spool),
            "FLUSH_INTERVAL": FLUSH_S,
            "METRICS_PORT": "0",
            "DRAIN_SECONDS": "5",
            **self.env,
        }
        program = Program([*command, *self.arguments], env=variables, folder=folder, cwd=self.folder)
        self.programs.append(program)
        return program

    def start(self) -> "Service":
        """Start it and wait until it answers."""
        self.launch().wait_until(self.is_healthy, "a healthy proxy", START_S)
        return self

    def stop(self) -> int:
        """SIGTERM; the exit status. What it leaves running is an error."""
        program = self.program
        self._signal_supervisor(signal.SIGTERM)
        status = program.process.wait(STOP_S)
        wait_until(lambda: not program.running(), "the end of all its processes")
        return status

    @property
    def program(self) -> Program:
        return self.programs[-1]

    @property
    def stderr(self) -> str:
        """What all starts have said."""
        return "".join(program.stderr for program in self.programs)

    def _signal_supervisor(self, number: int) -> None:
        """To the supervisor itself: what stands in ``prefix`` may not pass signals on."""
        for pid in self.program.running():
            command = _command_of(pid)
            if "open-llm-proxy\0serve" in command and "python" in command.partition("\0")[0]:
                _signal(pid, number)

    # --- what is killed ------------------------------------------------------------------------------------------

    def children(self, role: str) -> list[int]:
        """The processes of a role: ``worker``, ``recorder``."""
        return [pid for pid in self.program.running() if f"{CHILD}{role}" in _command_of(pid)]

    def kill(self, pid: int) -> None:
        _signal(pid, signal.SIGKILL)

    def kill_supervisor(self) -> None:
        """SIGKILL to the supervisor alone; its children end by themselves."""
        program = self.program
        os.kill(program.process.pid, signal.SIGKILL)
        program.process.wait(DEADLINE_S)
        wait_until(lambda: not program.running(), "the end of a killed supervisor's children")

    def kill_everything(self) -> None:
        """SIGKILL to all of its processes at once."""
        program = self.program
        os.killpg(program.process.pid, signal.SIGKILL)
        program.process.wait(DEADLINE_S)
        wait_until(lambda: not program.running(), "the end of what was killed")

    # --- what is seen --------------------------------------------------------------------------------------------

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/health", timeout=10) as answer:
            return json.load(answer)

    def logging(self) -> dict[str, Any]:
        """``/health``'s part about the log side."""
        return self.health()["logging"]

    def is_healthy(self) -> bool:
        try:
            return self.health()["status"] == "healthy"
        except OSError:
            return False

    def is_settled(self) -> bool:
        """Whether everything has left the spool; that of earlier starts, too."""
        return not self.waiting_files()

    def waiting_files(self) -> list[str]:
        """What is left in the spool: segments and files of the outbox."""
        kinds = ("frames/*/*.open", "frames/*/*.closed", "outbox/**/*.jsonl", "outbox/**/*.txt")
        return sorted(str(path.relative_to(self.spool)) for kind in kinds for path in self.spool.glob(kind))


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


@contextmanager
def run_service(folder: Path, config: Mapping[str, Any], **more: Any) -> Iterator[Service]:
    """A service, not yet started; whatever runs at the end of the block is killed."""
    service = Service(folder, config, **more)
    try:
        yield service
    finally:
        for program in service.programs:
            program.kill_all()
