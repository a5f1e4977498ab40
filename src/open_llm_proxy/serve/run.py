"""From the command line's flags to a running supervisor."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from open_llm_proxy.config.load import Flags, Loaded, load
from open_llm_proxy.serve.sockets import listen, listen_on_loopback
from open_llm_proxy.serve.supervisor import Supervisor
from open_llm_proxy.telemetry import diagnostics


def run(flags: Flags, announce: Callable[[Loaded, int], None]) -> int:
    """Serve; ``announce`` is told the configuration and the port once calls are answered. The exit status.

    Raises:
        UserError: What a person can mend: configuration, port, folders.
    """
    demo_listener = listen_on_loopback() if flags.demo else None
    endpoint = None
    if demo_listener is not None:
        endpoint = f"http://127.0.0.1:{demo_listener.getsockname()[1]}/v1/chat/completions"
    key: str | None = None

    def read() -> Loaded:
        return load(
            flags,
            os.environ,
            cwd=Path.cwd(),
            stdout_is_terminal=sys.stdout.isatty(),
            demo_endpoint=endpoint,
            demo_key=key,
        )

    loaded = read()
    if flags.demo and loaded.snapshot.client_keys:
        key = loaded.snapshot.client_keys[0].key  # a reload keeps the key that was printed
    for warning in loaded.warnings:
        diagnostics.say("warning", warning)
    config = loaded.snapshot.config
    listeners = listen(config.listen.host, config.listen.port, config.workers)
    port = listeners[0].getsockname()[1]
    supervisor = Supervisor(loaded, listeners, demo_listener, reload=read, on_ready=lambda ready: announce(ready, port))
    return supervisor.run()
