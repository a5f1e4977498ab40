"""Condenses in a process of its own that is killed, as by ``kill -9``, at its n-th step: a statement, a put, a delete."""

import json
import os
import signal
import sys
from pathlib import Path

from open_llm_proxy.logs.condense.plan import Selection
from open_llm_proxy.logs.condense.press import Press
from open_llm_proxy.logs.condense.run import condense
from open_llm_proxy.logs.source import open_source


def main(place: str, temporary: str, today: str, kill_at: int) -> None:
    source = open_source(place, os.environ)
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    run, write, delete = Press.run, source.write, source.delete

    def running(self, command, **values):
        step()
        return run(self, command, **values)

    def writing(key, data):
        step()
        write(key, data)
        step()

    def deleting(keys):
        for key in keys:
            delete([key])
            step()

    Press.run, source.write, source.delete = running, writing, deleting
    report = condense(source, Selection(today), temporary=Path(temporary))
    sys.stdout.write(json.dumps({"steps": steps, "failed": report.failed}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
