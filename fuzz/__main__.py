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
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    given, libfuzzers = parser.parse_known_args()
    if given.into is not None:
        sift(given.target, given.inputs, given.into, libfuzzers)
    if libfuzzers:
        parser.error(f"unknown: {' '.join(libfuzzers)}")
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
            keep_new(target, inputs)
        return status


def keep_new(target: str, inputs: Path) -> None:
    """Keep, beside what is kept, the inputs that reach ground which none of it reaches, the short ones first."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder)
        corpus.unpack(target, kept)
        command = [sys.executable, "-m", "fuzz", target, "--inputs", str(inputs), "--into", folder]
        subprocess.run(command, check=True)
        corpus.store(target, (path.read_bytes() for path in kept.iterdir()))


def search(target: str, seconds: int, findings: Path, inputs: Path) -> None:
    """Search until the time is over; does not return."""
    options = [f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", f"-artifact_prefix={findings}/"]
    options += ["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]
    run(target, [sys.argv[0], *options, str(inputs)])


def sift(target: str, inputs: Path, into: Path, libfuzzers: list[str]) -> None:
    """Copy to ``into`` what of ``inputs`` reaches further than what is there; does not return.

    libFuzzer starts its first word again, with options of its own, so that an input that ends the process ends no
    more than that.
    """
    itself = f"{sys.executable} -m fuzz {target} --inputs {inputs} --into {into}"
    run(target, [itself, *(libfuzzers or ["-merge=1", f"-max_len={MOST_BYTES}", str(into), str(inputs)])])


def run(target: str, command: list[str]) -> None:
    """Hand a target to libFuzzer; does not return."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["open_llm_proxy", "fuzz.targets"]):
        check = import_module(f"fuzz.targets.{target}").check
    atheris.Setup(command, check)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
