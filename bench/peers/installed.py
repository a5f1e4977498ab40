"""What is installed: versions, and the bytes that an install added."""

import re
import subprocess
from pathlib import Path

from bench.peers.peer import find_parts


def ask_version(*command: str) -> str:
    """The first dotted number that a command prints, or ``absent``."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return "absent"
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "unknown"


def read_python_version(environment: str, package: str) -> str:
    """A package's version in one of our virtual environments."""
    pattern = f"lib/python*/site-packages/{package.replace('-', '_')}-*.dist-info"
    found = [path.name for path in (find_parts() / environment).glob(pattern)]
    return found[0].removesuffix(".dist-info").rpartition("-")[2] if found else "absent"


def read_node_version(folder: str, package: str) -> str:
    """A package's version in one of our node folders."""
    try:
        text = (find_parts() / folder / "node_modules" / package / "package.json").read_text()
    except OSError:
        return "absent"
    found = re.search(r'"version": *"([^"]+)"', text)
    return found[1] if found else "unknown"


def measure_folder(folder: Path) -> int:
    """Bytes on disk of everything below a folder, each file once; byte code that running it wrote is left out."""
    seen: dict[int, int] = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
            stat = path.stat()
            seen[stat.st_ino] = stat.st_blocks * 512
    return sum(seen.values())


def measure_part(name: str) -> int:
    """Bytes of one folder that ``install.sh`` filled."""
    return measure_folder(find_parts() / name)


def measure_debian(*packages: str) -> int:
    """Bytes that Debian says these packages take."""
    command = ["dpkg-query", "-W", "-f", "${Installed-Size}\n", *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return sum(map(int, done.stdout.split())) * 1024
