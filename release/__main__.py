"""``python -m release [FOLDER]``: wheel, sdist, SBOM and SHA256SUMS, into ``dist/``."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from release.bill import bill

ROOT: Final = Path(__file__).parents[1]
SUMS: Final = "SHA256SUMS"
OURS: Final = "open_llm_proxy-"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist", help="where it goes (dist)")
    make_release(parser.parse_args().folder.absolute())


def make_release(folder: Path, root: Path = ROOT) -> list[Path]:
    """Make all files of a release of the tree ``root``; what an earlier one left in ``folder`` goes first."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob(f"{OURS}*"), folder / SUMS]:
        old.unlink(missing_ok=True)
    changed_at = _changed_at(root)
    # The same commit makes the same bytes: hatchling dates what it packs by this variable.
    env = os.environ | {"SOURCE_DATE_EPOCH": str(int(changed_at.timestamp()))}
    build = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--target", "wheel"]
    subprocess.run([*build, "--directory", str(folder)], cwd=root, env=env, check=True)
    wheel = next(folder.glob(f"{OURS}*.whl"))
    version = wheel.name.split("-")[1]
    sbom = folder / f"{OURS}{version}.cdx.json"
    sbom.write_text(json.dumps(bill(changed_at), indent=1) + "\n")
    files = sorted(folder.glob(f"{OURS}*"))
    (folder / SUMS).write_text("".join(f"{_sha256(file)}  {file.name}\n" for file in files))
    return [*files, folder / SUMS]


def _changed_at(root: Path) -> datetime:
    """SOURCE_DATE_EPOCH, if it is set; else when the commit was made that is released; else now."""
    command = ["git", "log", "-1", "--format=%ct"]
    said = (
        os.environ.get("SOURCE_DATE_EPOCH")
        or subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout.strip()
    )
    return datetime.fromtimestamp(int(said), UTC) if said else datetime.now(UTC)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
