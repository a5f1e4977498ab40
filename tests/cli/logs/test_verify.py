import json

import pytest
from tests.logs.condense import corpus


@pytest.fixture
def logs(here):
    from open_llm_proxy.logs.folder import Folder

    folder = Folder(here / "logs")
    corpus.put(
        folder,
        [corpus.request("a", corpus.stamp("2020-11-01", 5)), corpus.response("a", corpus.stamp("2020-11-01", 6))],
    )
    return folder


def test_clean(run, logs):
    said = run("logs", "verify", "--from", "2020-11-01")
    assert (said.status, said.out) == (0, f"{logs.url}: clean: 1 files of 2020-11-01 to 2020-11-01\n")


def test_findings(run, logs):
    corpus.put(logs, [corpus.response("b", corpus.stamp("2020-11-01", 6), content="the-key-of-tests")], "13")
    said = run("logs", "verify", "--from", "2020-11-01")
    assert said.status == 1
    assert said.out.splitlines()[-1] == f"{logs.url}: 2 findings in 2 files of 2020-11-01 to 2020-11-01"
    assert "responses without a request, such as b" in said.out
    assert "the-key-of-tests" not in said.out
    said = run("logs", "verify", "--from", "2020-11-01", "--format", "json")
    ((found),) = json.loads(said.out)
    assert (said.status, found["files"], [one["check"] for one in found["findings"]]) == (1, 2, ["pairs", "secrets"])


def test_the_last_7_days_when_nothing_is_said(run, logs):
    said = run("logs", "verify")
    assert (said.status, said.out) == (0, f"{logs.url}: nothing to check in this time\n")
    assert "the last 7 days" in said.err


def test_a_readers_machine_needs_no_configuration(run, logs, here):
    (here / "config.json").write_text("{wrong")
    assert run("logs", "verify", "--from", "2020-11-01").status == 0


@pytest.mark.parametrize("wrong", [("--format", "xml"), ("--since", "soon"), ("--from-dir", "none")])
def test_wrong_usage(run, logs, wrong):
    assert run("logs", "verify", *wrong).status == 2
