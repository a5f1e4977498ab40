"""What is mutated, and which tests must notice."""

from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = Path("src/open_llm_proxy")


class Target(NamedTuple):
    """``modules``: globs below the package. ``tests``: in the order in which they run. ``sample``: None is all."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    sample: int | None = None

    def paths(self, root: Path) -> list[Path]:
        """The modules' files, relative to ``root``."""
        found = (path for pattern in self.modules for path in sorted((root / PACKAGE).glob(pattern)))
        return [path.relative_to(root) for path in found]


TARGETS: Final[dict[str, Target]] = {
    "routing": Target(("proxy/routing.py",), ("tests/proxy/test_routing.py",)),
    "edits": Target(("proxy/edits/*.py",), ("tests/proxy/edits", "tests/proxy/test_edits.py")),
    "scrub": Target(
        ("records/scrub.py", "records/secret_*.py", "records/known_secrets.py", "records/escapes.py"),
        (
            "tests/records/test_scrub.py",
            "tests/records/test_secret_text.py",
            "tests/records/test_secret_names.py",
            "tests/records/test_known_secrets.py",
            "tests/records/test_escapes.py",
        ),
    ),
    "http1": Target(("http1/*.py",), ("tests/http1",), sample=150),
}


def own_tests(module: Path, tests: tuple[str, ...]) -> list[str]:
    """``tests``, with those of the module itself first: they notice most."""
    name = "test_" + (module.parent.name if module.stem == "__init__" else module.stem)
    files: list[Path] = []
    for test in tests:
        path = ROOT / test
        files += sorted(path.glob("test_*.py")) if path.is_dir() else [path]
    files.sort(key=lambda file: not file.stem.startswith(name))
    return [file.relative_to(ROOT).as_posix() for file in files]
