"""A supervisor whose children misbehave as ``$MISBEHAVE`` says: ``children.py supervisor [flags]`` starts it.

``children.py <role> …`` is such a child.
"""

import os
import sys
import threading
from pathlib import Path

from open_llm_proxy.config.load import Flags
from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.errors import UserError
from open_llm_proxy.serve import supervisor
from open_llm_proxy.serve.banner import say_serving
from open_llm_proxy.serve.control import Ready
from open_llm_proxy.serve.inheritance import Inheritance, run_child
from open_llm_proxy.serve.run import run
from open_llm_proxy.telemetry.scoreboard import ACCEPTED, IN_FLIGHT, LOST, SPOOLED

MODE = os.environ["MISBEHAVE"]
MARGIN_S = 0.2 if MODE in ("deaf", "slow to flush") else 20  # the others end by themselves, on a busy machine late


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class Handlers:
    def __init__(self) -> None:
        self.over = threading.Event()

    def on_reload(self, snapshot: Snapshot) -> None:
        say(f"reloaded {snapshot.config_sha256}")

    def on_drain(self, deadline_s: float) -> None:
        say(f"drain {deadline_s:g}")
        if MODE != "deaf":
            self.over.set()

    def on_stop(self) -> None:
        say("stop")
        if MODE != "slow to flush":
            self.over.set()

    def on_parent_gone(self) -> None:
        os._exit(1)


def live(inheritance: Inheritance) -> int:
    role = sys.argv[1]
    handlers = Handlers()
    inheritance.control.receive_snapshot()
    if MODE == "refusing" and role == "worker":
        raise UserError("the cellar is full", "Drink up", 7)
    if MODE == "dying" and role == "worker":
        return 9
    if MODE == "counting" and role == "worker":
        counters = inheritance.scoreboard.slot(inheritance.slot)
        say(f"accepted {counters[ACCEPTED]}")
        counters[IN_FLIGHT] += 1
        counters[ACCEPTED] += 7  # two of them in the turn that it is killed in
        counters[SPOOLED] += 4
        counters[LOST] += 1
        say(f"in flight {counters[IN_FLIGHT]}")
    threading.Thread(target=inheritance.control.listen, args=(handlers,), daemon=True).start()
    inheritance.control.send(Ready())
    handlers.over.wait()
    return 0


def serve() -> int:
    supervisor.DRAIN_MARGIN_S = supervisor.FLUSH_GRACE_S = MARGIN_S
    script = str(Path(__file__).resolve())
    return run(
        Flags(config="config.json"),
        os.environ,
        cwd=Path.cwd(),
        stdout_is_terminal=False,
        announce=say_serving,
        commands=lambda role: (sys.executable, "-P", script, role),
    )


def main() -> int:
    if sys.argv[1] != "supervisor":
        return run_child(live, sys.argv[2:])
    try:
        return serve()
    except UserError as error:
        say(f"{error} [{error.exit_code}]")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
