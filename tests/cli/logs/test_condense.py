import json

import pytest
from tests.logs.condense import corpus


@pytest.fixture
def logs(here):
    from open_llm_proxy.logs.folder import Folder

    folder = Folder(here / "logs")
    for day in ("2020-10-30", "2020-11-01"):
        corpus.put(folder, [corpus.request("a", corpus.stamp(day, 5)), corpus.response("a", corpus.stamp(day, 6))])
    return folder


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_job_gets_lines_of_json_and_at_the_end_what_failed(run, logs):
    said = run("logs", "condense")
    *steps, end = lines(said.out)
    assert said.status == 0
    assert [step["event"] for step in steps] == ["begun", "done"] * 4
    assert steps[1].keys() >= {
        "period",
        "records",
        "requests",
        "responses",
        "doubles",
        "torn",
        "late_answers",
        "seconds",
    }
    assert end == {
        "event": "end",
        "done": ["2020-10-30", "2020-11-01", "2020-10", "2020-11"],
        "failed": [],
        "waiting": [],
        "source": logs.url,
    }
    assert lines(run("logs", "condense").out)[-1]["done"] == []


def test_a_dry_run_changes_nothing(run, logs):
    before = logs.list()
    *planned, end = lines(run("logs", "condense", "--dry-run", "--month", "2020-10").out)
    assert [job["period"] for job in planned] == ["2020-10-30", "2020-10"] == end["planned"]
    assert logs.list() == before


def test_one_day_and_raw_files_kept(run, logs):
    assert lines(run("logs", "condense", "--date", "2020-10-30", "--keep-raw", "--from-dir", logs.url).out)[-1][
        "done"
    ] == ["2020-10-30"]
    assert len(logs.list("2020-10-30/")) == 1


def test_a_day_that_fails_ends_with_1(run, logs, monkeypatch):
    from open_llm_proxy.logs.condense.press import Press

    real = Press.copy
    monkeypatch.setattr(
        Press,
        "copy",
        lambda self, select, *rest, **more: real(
            self, f"FROM ({select}) LIMIT {0 if '2020-11-01/' in select else 9}", *rest, **more
        ),
    )
    said = run("logs", "condense", "--shard", "0/1")
    *steps, end = lines(said.out)
    assert said.status == 1
    assert end["failed"] == ["2020-11-01"]
    assert "records" in next(step["error"] for step in steps if step["event"] == "failed")


@pytest.mark.parametrize(
    "wrong", [("--shard", "4/4"), ("--date", "soon"), ("--all", "--monthly"), ("--from-dir", "none")]
)
def test_wrong_usage(run, logs, wrong):
    assert run("logs", "condense", *wrong).status == 2
