"""``python -m mutation [TARGET…]``: run the mutants; exit status 1 where one survives that nothing explains."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from tests.parts.requirement import FINDERS

from mutation import survivors
from mutation.mutants import Mutant, make_mutants, reach_mutmut, sample
from mutation.targets import ROOT, TARGETS, Target, own_tests
from mutation.trials import measure, preload, run

_NOT_COPIED: Final = (".*", "node_modules", "__pycache__", "dist", "corpus", "*.svg")
_PROGRESS: Final = 50
_SLOWER: Final = 5  # how much more of the processor than without a mutant tests may take, …
_LEAST_S: Final = 20  # … but at least this


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []], help="routing, edits, scrub, http1 (all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trials side by side (one a CPU)")
    parser.add_argument("--sample", type=int, help="how many mutants of each target (150 of http1, else all)")
    parser.add_argument("--seed", default="1", help="of the sample (1)")
    parser.add_argument("--only", default="", help="only mutants whose place holds this text")
    given = parser.parse_args()
    mutmut = FINDERS["mutmut"]()
    if mutmut is None:
        sys.exit("mutmut is not installed: make parts")
    reach_mutmut(mutmut)
    os.environ.pop("CI", None)  # with it Hypothesis would take another profile than that of ``preload``
    preload()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the copy goes, and the trials
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "tree")
        shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        found = [_judge(name, TARGETS[name], root, given) for name in given.target or TARGETS]
    return 1 if any(found) else 0


def _judge(name: str, target: Target, root: Path, given: argparse.Namespace) -> int:
    """Run a target; how many survivors nothing explains."""
    mutants = [mutant for path in target.paths(root) for mutant in make_mutants(root, path)]
    chosen = _choose(mutants, given.sample or target.sample, given)
    print(f"{name}: {len(chosen)} of {len(mutants)} mutants", flush=True)
    started_s = time.monotonic()
    alone_s = measure(root, own_tests(target.paths(root)[0], target.tests), root / "output.txt")
    work = [(mutant, own_tests(mutant.path, target.tests)) for mutant in chosen]
    counts: Counter[str] = Counter()
    survived: list[Mutant] = []
    known = survivors.load()
    for trial in run(root, work, max(_LEAST_S, round(_SLOWER * alone_s)), given.jobs):
        counts[trial.outcome] += 1
        if counts.total() % _PROGRESS == 0:
            print(f"{name}: {counts.total()} done, {counts['survived']} survived", file=sys.stderr, flush=True)
        if trial.outcome == "survived":
            survived.append(trial.mutant)
            if survivors.find_unexplained([trial.mutant], known):
                print(survivors.write_entry(trial.mutant), end="\n\n", flush=True)
    unexplained = survivors.find_unexplained(survived, known)
    seconds = time.monotonic() - started_s
    print(
        f"{name}: {len(chosen)} mutants: {counts['killed']} killed, {counts['timeout']} killed by time, "
        f"{len(survived)} survived, {len(unexplained)} of them unexplained; {seconds:.0f} s",
        flush=True,
    )
    gone = [one for one in known if any(one.place.startswith("/".join(path.parts[2:])) for path in target.paths(root))]
    for one in gone:
        if not any(one.is_of(mutant) for mutant in mutants):
            print(f"{name}: no longer a mutant, take it out of survivors.toml: {one.place}: {one.becomes}")
    return len(unexplained)


def _choose(mutants: list[Mutant], size: int | None, given: argparse.Namespace) -> list[Mutant]:
    wanted = [mutant for mutant in mutants if given.only in mutant.place]
    return sample(wanted, size, given.seed) if size else wanted


if __name__ == "__main__":
    sys.exit(main())
