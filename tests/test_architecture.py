"""The rules that hold the project together, checked on its files: layers, mirror, sizes, names, places."""

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "open_llm_proxy"
TESTS = ROOT / "tests"
OURS = ("src", "tests", "bench", "fuzz", "mutation", "release")

WITHOUT_TEST_FILE: dict[str, str] = {
    "agent/events.py": "what a view is told, as values",
    "cli/row.py": "a row's two names",
    "http1/roles.py": "interfaces; what plays them has its tests",
    "logs/stored.py": "an interface; test_source.py holds both places to it",
    "recorder/sinks/__init__.py": "an interface; each sink has its test",
}
"""Modules that no test file mirrors, and why."""

MOST_FILE_LINES = 500
MEDIAN_FILE_LINES = 200
MOST_FUNCTION_LINES = 35  # nine functions in ten
MEDIAN_FUNCTION_LINES = 10

VAGUE = re.compile(r"(^|_)(utils?|helpers?|commons?|managers?|misc|v\d+)($|_)", re.IGNORECASE)
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
BARE_NOQA = re.compile(r"#\s*noqa(?!: [A-Z0-9, ]+ - \S)")
# Split, so that this file does not hold what it looks for.
PLACES = re.compile(
    r"(?<![\w.])/(wo"
    r"rk|ro"
    r"ot|ho"
    r"me/(?!somebody|nonroot)\w+)/"
    r"|py"
    r"pi\.org|python"
    r"hosted\.org|registry\.npm"
    r"js|deb\.deb"
    r"ian\.org|conda\.ana"
    r"conda"
)


class Function(NamedTuple):
    place: str
    lines: int


def python_files(*folders: str) -> list[Path]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if not {"node_modules", "__pycache__"} & set(path.parts))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def has_code(path: Path) -> bool:
    """Whether a file defines anything; an ``__init__`` that only teaches its words does not."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for node in ast.parse(path.read_text()).body
    )


def mirror_of(module: Path) -> Path:
    inner = module.relative_to(PACKAGE)
    if module.stem == "__init__":
        inner = inner.parent
    return TESTS / inner.parent / f"test_{inner.stem}.py"


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node, clean=False) is not None
            first = node.body[1] if documented and len(node.body) > 1 else node.body[0]
            yield Function(f"{relative(path)}:{node.name}", (node.end_lineno or 0) - first.lineno + 1)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


MODULES = [path for path in python_files("src") if has_code(path)]


def test_import_contracts():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    kept = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert kept.returncode == 0, kept.stdout


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_each_module_has_its_test_file(module):
    name = module.relative_to(PACKAGE).as_posix()
    assert mirror_of(module).exists() or name in WITHOUT_TEST_FILE, f"expected {relative(mirror_of(module))}"


def test_the_exceptions_are_modules():
    assert all((PACKAGE / name).exists() for name in WITHOUT_TEST_FILE)


def test_no_file_is_long():
    lengths = {relative(path): len(path.read_text().splitlines()) for path in python_files(*OURS)}
    assert {name: length for name, length in lengths.items() if length > MOST_FILE_LINES} == {}
    assert statistics.median(length for name, length in lengths.items() if name.startswith("src")) < MEDIAN_FILE_LINES


def test_functions_are_short():
    lengths = sorted((function for path in MODULES for function in functions(path)), key=lambda one: one.lines)
    assert statistics.median(function.lines for function in lengths) <= MEDIAN_FUNCTION_LINES
    assert lengths[len(lengths) * 9 // 10].lines <= MOST_FUNCTION_LINES


@pytest.mark.parametrize("path", python_files("src", "bench"), ids=relative)
def test_names_say_what_they_mean(path):
    assert not VAGUE.search(path.stem)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert not VAGUE.fullmatch(node.name.strip("_")), node.name
        if isinstance(node, ast.ClassDef):
            assert not VAGUE.search(re.sub("(?<=[a-z])(?=[A-Z])", "_", node.name)), node.name
        if isinstance(node, ast.ClassDef) and "Exception" in map(ast.unparse, node.bases):
            assert node.name.endswith("Error"), node.name


@pytest.mark.parametrize("path", python_files(*OURS), ids=relative)
def test_nothing_is_left_unfinished_or_silenced_without_a_reason(path):
    text = path.read_text()
    assert not UNFINISHED.search(text)
    if path.is_relative_to(ROOT / "src"):
        assert not BARE_NOQA.findall(text)


def test_each_package_teaches_its_words():
    for path in PACKAGE.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), relative(path)


def test_each_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    wanted = {
        re.match(r"[\w-]+", line).group()
        for group in [*groups, *project["dependency-groups"].values()]
        for line in group
    }
    documented = set(re.findall(r"[\w-]+", (ROOT / "docs" / "dependencies.md").read_text()))
    assert wanted - documented == set()


def test_no_file_names_a_place_of_one_machine_or_registry():
    found = []
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{relative(path)}: {match.group()}" for match in PLACES.finditer(text)]
    assert found == []
