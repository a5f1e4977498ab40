"""Commands before a command: process ids, a host name or hosts of its own. Root may; elsewhere the test is skipped."""

import shlex
import subprocess
from pathlib import Path
from typing import Final

import pytest

OWN_IDS: Final = ["unshare", "--pid", "--fork", "--kill-child"]


def own_process_ids() -> list[str]:
    """What is started behind this is process 1, its children 2, 3 and so on."""
    return _if_permitted(OWN_IDS)


def own_host_name(name: str) -> list[str]:
    """What is started behind this runs on the host ``name``."""
    return _if_permitted(["unshare", "--uts", "sh", "-c", f'hostname {name} && exec "$@"', "sh"])


def own_hosts(file: Path) -> list[str]:
    """What is started behind this reads ``file`` in place of /etc/hosts."""
    script = f'mount --bind {shlex.quote(str(file))} /etc/hosts && exec "$@"'
    return _if_permitted(["unshare", "--mount", "sh", "-c", script, "sh"])


def _if_permitted(prefix: list[str]) -> list[str]:
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"namespaces cannot be made here: {error}")
    return prefix
