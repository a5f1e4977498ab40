"""The demo upstream's process: a stand-in that is reached as any other provider is."""

import asyncio
import sys

import uvloop

from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.proxy.demo import DemoApplication
from open_llm_proxy.serve.control import Ready
from open_llm_proxy.serve.inheritance import Inheritance, end_at_once, run_child


class _Handlers:
    """The stand-in serves no configuration, and its calls end with the workers: it has nothing to reload or drain."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def on_reload(self, snapshot: Snapshot) -> None:
        """Nothing of it is the stand-in's."""

    def on_drain(self, deadline_s: float) -> None:
        """It serves until it is told to stop."""

    def on_stop(self) -> None:
        self._loop.stop()

    def on_parent_gone(self) -> None:
        end_at_once()


def serve(inheritance: Inheritance) -> None:
    """The body of the demo process."""
    inheritance.control.receive_snapshot()
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    server = loop.run_until_complete(DemoApplication(loop).listen(inheritance.listener))
    inheritance.control.watch(loop, _Handlers(loop))
    inheritance.control.send(Ready())
    loop.run_forever()
    server.close()


def main() -> int:
    """``python -m open_llm_proxy.serve.demo`` (the supervisor types it)."""
    return run_child(serve, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
