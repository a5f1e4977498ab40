import tomllib
from pathlib import Path

import pytest

from mutation.mutants import Mutant
from mutation.survivors import Survivor, find_unexplained, load, write_entry
from mutation.targets import PACKAGE, ROOT, TARGETS, own_tests

MUTANT = Mutant(Path("src/open_llm_proxy/a.py"), "a.py f", 'x = "\\n"', "x = None", "…")


def test_each_has_a_reason_and_a_module_that_is_mutated():
    mutated = {path for target in TARGETS.values() for path in target.paths(ROOT)}
    for survivor in load():
        assert survivor.why.startswith(("equivalent: ", "no rule: ")), survivor
        assert len(survivor.why) > 25, survivor
        assert PACKAGE / survivor.place.split()[0] in mutated


def test_none_stands_twice():
    all_of_them = [survivor[:3] for survivor in load()]
    assert len(set(all_of_them)) == len(all_of_them)


def test_what_no_entry_names_is_unexplained():
    known = Survivor(MUTANT.place, MUTANT.was, MUTANT.becomes, "why")
    assert find_unexplained([MUTANT], [known]) == []
    assert find_unexplained([MUTANT], [known._replace(becomes="y")]) == [MUTANT]
    assert find_unexplained([MUTANT._replace(place="a.py g")], [known]) == [MUTANT._replace(place="a.py g")]


def test_an_entry_comes_back_as_it_was_written():
    (entry,) = tomllib.loads(write_entry(MUTANT))["survivor"]
    assert Survivor(**entry).is_of(MUTANT)


@pytest.mark.parametrize("target", TARGETS.values())
def test_targets_have_modules_and_tests(target):
    assert target.paths(ROOT)
    assert all((ROOT / test).exists() for test in target.tests)


def test_a_modules_own_tests_are_first():
    ordered = own_tests(Path("src/open_llm_proxy/http1/pool.py"), ("tests/http1",))
    assert ordered[0] == "tests/http1/test_pool.py"
    assert len(ordered) == len(list((ROOT / "tests/http1").glob("test_*.py")))
    edits = own_tests(Path("src/open_llm_proxy/proxy/edits/__init__.py"), TARGETS["edits"].tests)
    assert edits[0] == "tests/proxy/test_edits.py"
