import json

import pytest


@pytest.mark.parametrize("wanted", ["last", "s-1", "s-", f"{1:032x}"])
def test_a_conversation(run, reading, wanted):
    said = run("logs", "show", wanted, "--from-dir", str(reading))
    assert (said.status, said.err) == (0, "")
    assert "How many parks?" in said.out
    assert "Provider returned 429" in said.out


@pytest.mark.parametrize(
    ("form", "words"), [("markdown", "## User"), ("html", "<!doctype html>"), ("json", '"threads"'), ("text", "User")]
)
def test_its_forms(run, reading, form, words):
    assert words in run("logs", "show", "last", "--from-dir", str(reading), "--format", form).out


@pytest.mark.parametrize(
    ("name", "words"), [("a.html", "And &lt;lakes&gt;?"), ("a.md", "## User"), ("a.json", '"threads"'), ("a", "User")]
)
def test_a_file_in_the_form_of_its_name(run, reading, here, name, words):
    said = run("logs", "show", "last", "--from-dir", str(reading), "-o", name)
    assert (said.status, said.out) == (0, "")
    assert f"wrote {name}" in said.err
    assert words in (here / name).read_text()


def test_the_form_that_is_named_wins(run, reading, here):
    run("logs", "show", "last", "--from-dir", str(reading), "-o", "a.md", "--format", "json")
    assert json.loads((here / "a.md").read_text())["session_id"] == "s-1"


def test_what_is_not_there(run, reading, empty):
    said = run("logs", "show", "nope", "--from-dir", str(reading))
    assert (said.status, said.out) == (1, "")
    assert "--since 30d" in said.err
    assert run("logs", "show", "last", "--from-dir", str(empty)).status == 1


@pytest.mark.parametrize(
    "wrong", [("--format", "xml"), ("--since", "soon"), ("-o", "nowhere/a.md"), ("--from-dir", "nowhere")]
)
def test_wrong_usage(run, reading, wrong):
    assert run("logs", "show", "last", "--from-dir", str(reading), *wrong).status == 2
