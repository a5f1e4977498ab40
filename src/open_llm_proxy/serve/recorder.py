"""The recorder's process: the log side's writing half, wired. It knows no sockets of clients."""

import sys
import threading

from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.recorder.recorder import Recorder
from open_llm_proxy.recorder.settings import RecorderSettings
from open_llm_proxy.serve.control import Ready
from open_llm_proxy.serve.inheritance import Inheritance, end_at_once, run_child


class _Handlers:
    """What the supervisor's messages mean here."""

    def __init__(self, recorder: Recorder, stop: threading.Event) -> None:
        self._recorder = recorder
        self._stop = stop

    def on_reload(self, snapshot: Snapshot) -> None:
        self._recorder.use(RecorderSettings.of(snapshot))

    def on_drain(self, deadline_s: float) -> None:
        """It works on until the workers have ended."""

    def on_stop(self) -> None:
        self._stop.set()

    def on_parent_gone(self) -> None:
        end_at_once()  # what is on disk is found by the next start


def serve(inheritance: Inheritance) -> None:
    """The body of the recorder process: its loop is plain, so the control channel has a thread of its own."""
    recorder = Recorder(RecorderSettings.of(inheritance.control.receive_snapshot()), inheritance.scoreboard)
    stop = threading.Event()
    handlers = _Handlers(recorder, stop)
    threading.Thread(target=inheritance.control.listen, args=(handlers,), name="control", daemon=True).start()
    inheritance.control.send(Ready())
    recorder.run(stop)


def main() -> int:
    """``python -m open_llm_proxy.serve.recorder`` (the supervisor types it)."""
    return run_child(serve, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
