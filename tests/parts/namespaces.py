"""Commands before a command: process ids of its own, a host name of its own. Root may; elsewhere the test is skipped."""

import subprocess
from typing import Final

import pytest

OWN_IDS: Final = ["unshare", "--pid", "--fork", "--kill-child"]


def own_process_ids() -> list[str]:
    """What is started behind this is process 1, its children 2, 3 and so on."""
    return _if_permitted(OWN_IDS)


def own_host_name(name: str) -> list[str]:
    """What is started behind this runs on the host ``name``."""
    return _if_permitted(["unshare", "--uts", "sh", "-c", f'hostname {name} && exec "$@"', "sh"])


def _if_permitted(prefix: list[str]) -> list[str]:
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"namespaces cannot be made here: {error}")
    return prefix
