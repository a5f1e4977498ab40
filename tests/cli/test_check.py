import json

import pytest

from open_llm_proxy.serve.check import Finding


def test_each_configured_model(run):
    said = run("check")
    assert said.status == 0
    assert said.out.splitlines() == [
        "a -> up (exact); dropped: enable_thinking",
        "b -> up (exact); dropped: enable_thinking",
    ]
    assert said.err == ""


def test_the_models_that_are_named(run):
    said = run("check", "b", "a-1")
    assert said.status == 0
    assert [line.split(";")[0] for line in said.out.splitlines()] == ["b -> up (exact)", "a-1 -> up (prefix a)"]


def test_a_model_that_goes_nowhere(run):
    said = run("check", "zzz")
    assert said.status == 2
    assert said.out.startswith("zzz -> nobody; served: up: a, b")


def test_a_wrong_configuration(run, here):
    config = json.loads((here / "config.json").read_text())
    (here / "other.json").write_text(json.dumps(config | {"workers": "x", "wrokers": 1}))
    said = run("check", "--config", "other.json")
    assert (said.status, said.out) == (2, "")
    assert "workers: expected" in said.err
    assert "did you mean workers" in said.err


def test_warnings_go_to_stderr(run, monkeypatch):
    monkeypatch.delenv("PROXY_KEY")
    said = run("check")
    assert said.status == 0
    assert "warning: no client key is configured" in said.err


@pytest.mark.parametrize(("good", "status"), [(True, 0), (False, 2)])
def test_live_adds_what_answers(run, monkeypatch, good, status):
    monkeypatch.setattr("open_llm_proxy.serve.live.check_live", lambda _: [Finding("up: says", good=good)])
    said = run("check", "a", "--live")
    assert said.status == status
    assert said.out.splitlines()[-1] == "up: says"
