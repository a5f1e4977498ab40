"""docs/security.md: every test that it names is there, and every threat has one."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "security.md").read_text()
TESTS: Final = re.findall(r"`(tests/[\w/.]+)::(\w+)`", PAGE)
# Of the tables with a column of tests: those that begin with a threat.
ROWS: Final = [
    line
    for table in re.findall(r"^\| threat \|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)", PAGE, re.MULTILINE)
    for line in table.splitlines()
]


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize(("file", "name"), TESTS, ids=[f"{file}::{name}" for file, name in TESTS])
def test_it_is_there(file, name):
    assert name.startswith("test_")
    assert name in names_in(ROOT / file)


def test_every_threat_has_a_test():
    assert len(ROWS) > 25
    for row in ROWS:
        threat, done, tests = row.strip("| ").split(" | ")
        assert threat
        assert done
        assert re.fullmatch(r"`tests/[\w/.]+::\w+`(?: `tests/[\w/.]+::\w+`)*", tests), row


@pytest.mark.parametrize(
    "word",
    [
        "at rest",
        "memory",
        "core files",
        "process lists",
        "SSRF",
        "Log injection",
        "Header injection",
        "time of a refusal",
    ],
)
def test_no_threat_is_forgotten(word):
    assert any(word.lower() in row.lower() for row in ROWS)
