import io

import pytest
from rich.console import Console
from rich.text import Text

from open_llm_proxy.cli.logs.fitted_table import fit_table


@pytest.fixture
def fitted():
    def fitted(width, question="a question that is rather long"):
        cells = {
            name: [Text(text)]
            for name, text in (("when", "12:00"), ("question", question), ("app", "geo"), ("turns", "7"))
        }
        table = fit_table(cells, width, flexible="question", dispensable=("app", "turns"), numbers=("turns",))
        console = Console(file=io.StringIO(), width=width)
        console.print(table)
        return [line.split() for line in console.file.getvalue().splitlines()]

    return fitted


def test_all_of_it(fitted):
    assert fitted(80)[0] == ["when", "question", "app", "turns"]
    assert fitted(80)[1] == ["12:00", "a", "question", "that", "is", "rather", "long", "geo", "7"]


def test_the_flexible_column_is_cut(fitted):
    head, row = fitted(44)
    assert head == ["when", "question", "app", "turns"]
    assert row[-1] == "7"
    assert row[-3].endswith("…")


def test_what_is_dispensable_goes_first(fitted):
    assert fitted(38)[0] == ["when", "question", "turns"]
    assert fitted(32)[0] == ["when", "question"]


def test_a_short_one_needs_no_more_than_it_has(fitted):
    assert fitted(32, "why?")[0] == ["when", "question", "app", "turns"]
