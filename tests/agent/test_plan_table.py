from datetime import date

import pytest

from open_llm_proxy.agent.plan_table import PlanError, Table, shown


def read(members, *known, place=""):
    problems = []
    return Table(members, place, problems, known or tuple(members)), problems


@pytest.mark.parametrize(
    ("method", "good", "bad", "wanted"),
    [
        (lambda table: table.text("k"), "x", 7, "a text"),
        (lambda table: table.text("k"), "x", " ", "a text"),
        (lambda table: table.whole("k", 1, 1), 3, 0, "a whole number from 1 on"),
        (lambda table: table.whole("k", 1, 1), 3, True, "a whole number from 1 on"),
        (lambda table: table.number("k", None), 0.5, -1, "0 or more"),
        (lambda table: table.number("k", None), 0, float("nan"), "0 or more"),
        (lambda table: table.number("k", None, wanted="seconds"), 1, 0, "seconds, more than 0"),
        (lambda table: table.flag("k", default=False), True, "yes", "true or false"),
        (lambda table: table.texts("k"), ["a", "b"], ["a", 1], "a text, or a list of texts"),
        (lambda table: table.texts("k"), "a", [], "a text, or a list of texts"),
        (lambda table: table.items("k"), [1], {}, "a list"),
        (lambda table: table.items("k"), [1], [], "a list that is not empty"),
        (lambda table: table.choice("k", "any", ("any", "last")), "last", "lst", "any, last; did you mean last?"),
    ],
)
def test_each_kind_takes_what_it_takes_and_says_what_it_wants(method, good, bad, wanted):
    table, problems = read({"k": good})
    taken = method(table)
    assert taken in (good, (good,), tuple(good) if isinstance(good, list) else good)
    assert problems == []
    table, problems = read({"k": bad}, place="a[2]")
    method(table)
    assert problems == [f"a[2].k: {shown(bad)} is not what is wanted: {wanted}"]


def test_keys_that_there_are_not_and_keys_that_are_missing():
    problems = []
    Table({"repeat": 2, "zzz": 1}, "", problems, ("repeats", "name"), ("name",))
    assert problems == [
        "repeat: no such key; did you mean repeats?",
        "zzz: no such key; there are: repeats, name",
        "name: is missing",
    ]


def test_what_is_no_table():
    table, problems = read(7, "k", place="models[1]")
    assert problems == ["models[1]: 7 is not what is wanted: a table"]
    assert (table.is_table, table.text("k", "x"), problems[1:]) == (False, "x", [])


def test_a_table_below():
    table, problems = read({"gold": {"x": 1}})
    assert table.table("gold", ("x",)).at("x") == "gold.x"
    assert table.table("other", ("x",)) is None
    assert problems == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "a table"),
        ([], "an empty list"),
        ([1], "a list"),
        (True, "true"),
        ("ü", '"ü"'),
        (date(2026, 1, 2), "2026-01-02"),
        ("x" * 99, '"' + "x" * 59 + "…"),
    ],
)
def test_what_was_there_is_shown_short(value, text):
    assert shown(value) == text


def test_the_error_is_a_heading_and_a_line_each():
    error = PlanError(["a: is missing", "b: is missing"], "p.toml")
    assert str(error) == "wrong plan (p.toml): 2 problems\n  a: is missing\n  b: is missing"
    assert (error.message.count("\n"), error.exit_code) == (0, 2)
    assert str(PlanError(["a: x"], "p.toml")).startswith("wrong plan (p.toml): 1 problem\n")
