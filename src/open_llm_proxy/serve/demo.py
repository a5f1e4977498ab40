"""The demo upstream's process."""

import asyncio
import sys

import uvloop

from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.proxy.demo import DemoApplication
from open_llm_proxy.serve.control import Ready
from open_llm_proxy.serve.inheritance import Inheritance, end_at_once, run_child


class _Handlers:
    """The stand-in has nothing to reload or to drain: it ends with its supervisor."""

    def on_reload(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - it serves no configuration
        return

    def on_drain(self, deadline_s: float) -> None:  # noqa: ARG002 - its calls end with the workers
        return

    def on_stop(self) -> None:
        end_at_once()

    def on_parent_gone(self) -> None:
        end_at_once()


def demonstrate(inheritance: Inheritance) -> None:
    """The body of the demo process."""
    inheritance.control.receive_snapshot()
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    application = DemoApplication(loop)
    server = loop.run_until_complete(application.listen(inheritance.listener))
    inheritance.control.watch(loop, _Handlers())
    inheritance.control.send(Ready())
    try:
        loop.run_forever()
    finally:
        server.close()


def main() -> int:
    """``python -m open_llm_proxy.serve.demo`` (the supervisor types it)."""
    return run_child(demonstrate, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
