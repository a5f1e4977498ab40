"""A script run by Node.js, with the packages of ``node/``."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.parts.processes import plain_environment
from tests.parts.requirement import HERE, require

SCRIPTS = HERE / "node"


def run_script(name: str, arguments: Mapping[str, Any], folder: Path, deadline_s: float = 60) -> Any:
    """Run ``node/<name>.mjs``, which reads one JSON value from its argument and prints one; returns that."""
    node = require("node")
    command = [node, SCRIPTS / f"{name}.mjs", json.dumps(arguments)]
    done = subprocess.run(
        command,
        env=plain_environment(folder),
        cwd=folder,
        capture_output=True,
        timeout=deadline_s,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
