"""``python -m fuzz TARGET [--seconds N]``: run one target; what breaks a property is written to a file and said."""

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from fuzz.targets import NAMES

HERE = Path(__file__).parent
MOST_BYTES = 4096


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", choices=NAMES)
    parser.add_argument("--seconds", type=int, default=600, help="how long (600)")
    parser.add_argument("--findings", type=Path, default=Path.cwd(), help="where an input that breaks goes (here)")
    parser.add_argument("--keep", action="store_true", help="keep inputs that find new ground in fuzz/corpus/")
    given = parser.parse_args()
    run(given.target, given.seconds, given.findings, keep=given.keep)


def run(target: str, seconds: int, findings: Path, *, keep: bool) -> None:
    """Fuzz until the time is over; the process ends with 0, or as libFuzzer ends it."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["open_llm_proxy", "fuzz.targets"]):
        check = import_module(f"fuzz.targets.{target}").check
    corpus = HERE / "corpus" / target
    folders = [str(corpus)] if keep or not corpus.exists() else [str(findings), str(corpus)]
    corpus.mkdir(exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", f"-artifact_prefix={findings}/", "-timeout=10"]
    options += ["-rss_limit_mb=1024", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, *folders], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
