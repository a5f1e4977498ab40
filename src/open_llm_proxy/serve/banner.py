"""What ``serve`` says once it answers calls."""

import contextlib
import json
import shlex
import sys
from typing import Final

from open_llm_proxy.config.load import Loaded
from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.serve.sockets import url_of
from open_llm_proxy.telemetry import diagnostics

_FIRST_CALL: Final = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}


def say_serving(loaded: Loaded, port: int) -> None:
    """Say on stderr where calls are answered; with ``--demo``, all that a first call needs."""
    snapshot = loaded.snapshot
    diagnostics.say("info", f"listening on {url_of(snapshot.config.listen.host, port)}")
    if not snapshot.demo:
        return
    diagnostics.say("info", f"key        {snapshot.client_keys[0].key}")
    diagnostics.say("info", f"records    {snapshot.store.folder} (a file every {snapshot.log.flush_interval_s:g} s)")
    diagnostics.say("info", "try        this, in another terminal:")
    with contextlib.suppress(OSError):  # nobody reads it
        # A line of its own, without our prefix: to be pasted.
        sys.stderr.write(f"{first_call(snapshot, port)}\n")
        sys.stderr.flush()


def first_call(snapshot: Snapshot, port: int) -> str:
    """A ``curl`` line that calls the demo model."""
    words = (
        "curl",
        f"{url_of(snapshot.config.listen.host, port)}/v1/chat/completions",
        "-H",
        f"Authorization: Bearer {snapshot.client_keys[0].key}",
        "-H",
        "Content-Type: application/json",
        "-d",
        json.dumps(_FIRST_CALL, separators=(",", ":")),
    )
    return shlex.join(words)
