"""``python -m fuzz TARGET [--seconds N]``: run one target; what breaks a property is written to a file and said."""

import argparse
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from fuzz import corpus
from fuzz.targets import NAMES

MOST_BYTES = 4096


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", choices=NAMES)
    parser.add_argument("--seconds", type=int, default=600, help="how long (600)")
    parser.add_argument("--findings", type=Path, default=Path.cwd(), help="where an input that breaks goes (here)")
    parser.add_argument("--keep", action="store_true", help="keep inputs that find new ground in fuzz/corpus/")
    parser.add_argument("--inputs", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inputs is not None:
        search(given.target, given.seconds, given.findings, given.inputs)
    return search_apart(given.target, given.seconds, given.findings, keep=given.keep)


def search_apart(target: str, seconds: int, findings: Path, *, keep: bool) -> int:
    """Search in a process of its own, as libFuzzer ends the one it runs in; its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder)
        corpus.unpack(target, inputs)
        command = [sys.executable, "-m", "fuzz", target, "--seconds", str(seconds)]
        command += ["--findings", str(findings), "--inputs", folder]
        status = subprocess.run(command, check=False).returncode
        if keep:
            corpus.store(target, (path.read_bytes() for path in inputs.iterdir()))
        return status


def search(target: str, seconds: int, findings: Path, inputs: Path) -> None:
    """Search until the time is over; does not return."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["open_llm_proxy", "fuzz.targets"]):
        check = import_module(f"fuzz.targets.{target}").check
    options = [f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", f"-artifact_prefix={findings}/"]
    options += ["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(inputs)], check)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
