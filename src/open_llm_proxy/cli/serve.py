"""``serve`` and ``serve --show-config``."""

import json
import os
import shlex
import sys
from pathlib import Path

from open_llm_proxy.config.load import Flags, Loaded, load, show
from open_llm_proxy.errors import EXIT_OK
from open_llm_proxy.serve.run import run
from open_llm_proxy.telemetry import diagnostics


def run_serve(flags: Flags, *, show_config: bool) -> int:
    """Serve, or show what would be served with."""
    if show_config:
        loaded = load(flags, os.environ, cwd=Path.cwd(), stdout_is_terminal=sys.stdout.isatty())
        for setting in show(loaded):
            print(f"{setting.path} = {setting.value}  # {setting.source}")  # noqa: T201 - what the flag is for
        return EXIT_OK
    return run(
        flags,
        os.environ,
        cwd=Path.cwd(),
        stdout_is_terminal=sys.stdout.isatty(),
        announce=lambda loaded, port: announce(flags, loaded, port),
    )


def announce(flags: Flags, loaded: Loaded, port: int) -> None:
    """Say where calls are answered; with ``--demo`` all that a first call needs."""
    snapshot = loaded.snapshot
    host = snapshot.config.listen.host
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}"
    diagnostics.say("info", f"listening on {url}")
    if not flags.demo:
        return
    if host in ("0.0.0.0", "::"):  # noqa: S104 - what to call instead
        url = f"http://127.0.0.1:{port}"
    key = snapshot.client_keys[0].key
    body = json.dumps({"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}, separators=(",", ":"))
    header = shlex.quote(f"Authorization: Bearer {key}")
    curl = f"curl {url}/v1/chat/completions -H {header} -H 'Content-Type: application/json' -d {shlex.quote(body)}"
    diagnostics.say("info", f"key        {key}")
    diagnostics.say("info", f"records    {snapshot.store.folder} (a file every {snapshot.log.flush_interval_s:g} s)")
    diagnostics.say("info", f"try        {curl}")
