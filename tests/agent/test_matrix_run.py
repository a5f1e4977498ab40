import os
import signal

import pytest
from tests.agent.test_matrix import reply
from tests.parts import answers
from tests.parts.model_upstream import run_upstream

from open_llm_proxy.agent.matrix_run import Place, run_plan
from open_llm_proxy.agent.mcp import Target
from open_llm_proxy.errors import UserError


@pytest.fixture
def upstream():
    with run_upstream() as running:
        running.ordinarily = reply
        yield running


@pytest.fixture
def run(upstream, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(plan, on_outcome=lambda _: None, **place):
        given = {"proxy_url": upstream.url, "api_key": "the-key"} | place
        return run_plan(plan, Place(**given), lambda _: on_outcome)

    return run


def test_everything_is_in_the_plans_folder(run, make_plan, tmp_path):
    report, status = run(make_plan())
    assert (status, len(report.outcomes)) == (0, 8)
    folder = tmp_path / "runs" / "parks"
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "cells", "judge", "report.html", "report.md"]
    assert len(list((folder / "cells").iterdir())) == 8
    assert (folder / "report.md").read_text().startswith("# parks\n")


def test_a_folder_of_the_users(run, make_plan, tmp_path):
    run(make_plan(), out=str(tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b" / "report.html").exists()


def test_4_when_something_could_not_be_run(run, make_plan):
    assert run(make_plan(models=["one", "broken"]))[1] == 4


def test_what_is_left_over_is_said(run, make_plan):
    run(make_plan())
    report, _ = run(make_plan(models=["one"]))
    assert len(report.left_over) == 4


def test_the_plans_own_proxy_and_the_environments(run, make_plan, upstream, monkeypatch):
    assert run(make_plan(proxy_url=upstream.url), proxy_url=None)[1] == 0
    monkeypatch.setenv("OPENAI_BASE_URL", f"{upstream.url}/v1")
    monkeypatch.setenv("PROXY_KEY", "from-the-environment")
    assert run(make_plan(max_turns=3), proxy_url=None, api_key=None)[1] == 0
    assert upstream.seen[-1].header("authorization") == "Bearer from-the-environment"


def test_tools_on_the_command_line_take_the_place_of_the_plans(make_plan):
    plan = make_plan(mcp_urls=["http://a/mcp"], mcp_commands=["b"])
    assert Place().fitted(plan).targets == (Target(url="http://a/mcp"), Target(command="b"))
    assert Place(mcp_urls=("http://c/mcp",)).fitted(plan).targets == (Target(url="http://c/mcp"),)


def test_ctrl_c_keeps_what_there_is_and_the_next_run_goes_on(run, make_plan, upstream, tmp_path):
    told = []

    def interrupt(outcome):
        told.append(outcome)
        if len(told) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    plan = make_plan(parallel=1)
    report, status = run(plan, interrupt)
    assert status == 130
    done = sum(one.ran for one in report.outcomes)
    assert 3 <= done < 8
    assert f"{done} of 8 cells run" in (tmp_path / "runs" / "parks" / "report.md").read_text()
    again, status = run(plan)
    assert (status, sum(one.fresh for one in again.outcomes)) == (0, 8 - done)


def test_a_disk_that_is_full(run, make_plan, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("open_llm_proxy.agent.cell_folder.write_whole", fail)
    with pytest.raises(UserError, match=r"cells/.*\.json cannot be written: No space left on device"):
        run(make_plan())


def test_answers_are_not_needed_to_report(run, make_plan, upstream):
    upstream.ordinarily = lambda _: [answers.answer(answers.dump(answers.openai_error(401, "x", "Invalid key")), 401)]
    report, status = run(make_plan())
    assert (status, len(report.incomplete)) == (4, 8)
