import ast
import textwrap
from pathlib import Path

import pytest

from mutation.mutants import make_mutants, sample

SOURCE = '''
from functools import lru_cache

MOST = 4

class Box:
    """Text that no mutant touches."""

    @property
    def full(self):
        return len(self.items) >= MOST

@lru_cache(maxsize=None)
def scale(number: int) -> int:
    return number * 2
'''
MODULE = Path("src/open_llm_proxy/box.py")


@pytest.fixture
def mutants(mutmut, tmp_path):
    def make(source):
        file = tmp_path / MODULE
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
        return make_mutants(tmp_path, MODULE)

    return make


def identities(mutants):
    return [(mutant.place, mutant.was, mutant.becomes) for mutant in mutants]


def test_a_mutant_is_a_place_and_a_change(mutants):
    made = identities(mutants(SOURCE))
    assert ("box.py", "MOST = 4", "MOST = 5") in made
    assert ("box.py Box.full", "return len(self.items) >= MOST", "return len(self.items) > MOST") in made
    assert ("box.py scale", "return number * 2", "return number / 2") in made
    assert not any("Text" in becomes for _, _, becomes in made)


def test_each_mutant_is_another_program(mutants):
    programs = [ast.dump(ast.parse(mutant.code)) for mutant in mutants(SOURCE)]
    assert ast.dump(ast.parse(SOURCE)) not in programs
    assert len(set(programs)) == len(programs)


def test_what_does_nothing_at_run_time_is_passed_over(mutants):
    assert mutants('__all__ = ["f"]\n\ndef f(x: int = 1) -> "int":\n    return cast("int", x)\n')
    made = mutants('__all__ = ["f"]\n\ndef f(x: int) -> "int":\n    return cast("int", x)\n')
    assert made == []


def test_lines_elsewhere_do_not_change_an_identity(mutants):
    before = identities(mutants(SOURCE))
    after = identities(mutants(f'"""New."""\n\nOTHER = None\n{SOURCE}\n\ndef more():\n    return 1\n'))
    assert set(before) < set(after)


def test_changes_over_several_lines_hold_only_what_changed(mutants):
    made = identities(mutants("def ask(f):\n    return f(\n        1,\n        2,\n    )\n"))
    assert ("box.py ask", "1,", "None,") in made


@pytest.mark.slow
def test_a_sample_is_the_same_each_time_and_stays_when_others_come(mutants):
    few = mutants(SOURCE)
    many = mutants(
        SOURCE
        + textwrap.dedent("""
        def more(number):
            return number - 1 if number > 3 else number + 1
        """)
    )
    taken = identities(sample(few, 4, "1"))
    assert len(taken) == 4
    assert taken == identities(sample(few, 4, "1"))
    assert any(taken != identities(sample(few, 4, seed)) for seed in "23456")
    kept = [one for one in identities(sample(many, 4, "1")) if one in identities(few)]
    assert set(kept) <= set(taken)
    assert kept


def test_a_sample_larger_than_all_is_all(mutants):
    made = mutants(SOURCE)
    assert sample(made, 1000, "1") == made
