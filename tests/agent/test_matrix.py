import asyncio
import json

import pytest
from tests.agent.conftest import keep
from tests.parts import answers
from tests.parts.mcp_server import EXAMPLE, command_line
from tests.parts.model_upstream import run_upstream

from open_llm_proxy.agent import exits
from open_llm_proxy.agent.cell import cells_of
from open_llm_proxy.agent.cell_folder import CellFolder
from open_llm_proxy.agent.matrix import Matrix, Outcome, read_version

ROOT = {"name": "open-llm-proxy", "version": "1.2.3"}


def reply(seen):
    """Model ``one`` knows, ``two`` does not; ``/`` is what the proxy says of itself."""
    if seen.method == "GET":
        return [answers.answer(answers.dump(ROOT))]
    model = seen.json()["model"]
    if model == "broken":
        return [answers.answer(answers.dump(answers.openai_error(400, "x", "no such model")), 400)]
    if seen.json()["messages"][-1]["role"] == "user" and seen.json().get("tools"):
        called = {
            "id": "call_1",
            "type": "function",
            "function": {"name": "query", "arguments": '{"sql": "FROM parks"}'},
        }
        return [answers.answer(answers.dump(answers.chat(None, tool_calls=[called])))]
    if model == "wise":
        return [answers.answer(answers.dump(answers.chat('{"passed": true, "reason": "fine"}', model="wise")))]
    return [answers.answer(answers.dump(answers.chat("42" if model == "one" else "7", model=f"up-{model}")))]


@pytest.fixture(scope="module")
def upstream():
    with run_upstream() as running:
        yield running


@pytest.fixture
def run(upstream, tmp_path):
    upstream.reset()
    upstream.ordinarily = reply
    folder = CellFolder(tmp_path / "run")

    def run(plan):
        told = []
        with folder.held():
            matrix = Matrix(plan, folder, f"{upstream.url}/v1", "the-key", told.append)
            outcomes = asyncio.run(matrix.run())
        assert sorted(one.cell.name for one in told) == sorted(one.cell.name for one in outcomes)
        return outcomes

    run.folder = folder
    return run


def asked(upstream):
    return [seen for seen in upstream.seen if seen.method == "POST"]


def test_each_cell_is_run_kept_and_graded(run, make_plan, upstream):
    plan = make_plan()
    outcomes = run(plan)
    assert [one.cell.name for one in outcomes] == [cell.name for cell in cells_of(plan)]
    assert [one.passed for one in outcomes] == [True, True, False, False, None, None, None, None]
    assert all(one.ran and one.is_complete and one.fresh and not one.problem for one in outcomes)
    assert len(asked(upstream)) == 4 + 2 * 4
    first = json.loads(run.folder.file(outcomes[0].cell).read_text())
    assert first == outcomes[0].saved
    assert first["cell"]["proxy_version"] == "1.2.3"
    assert first["verdict"] == {"passed": True, "kind": "numeric", "wanted": "42", "reason": "42 is 42"}
    assert len({one.saved["session_id"] for one in outcomes}) == 8
    seen = {call.header("origin"): call for call in asked(upstream)}
    assert set(seen) == {one.cell.origin for one in outcomes}
    brief = seen["https://parks.example.org/matrix/parks/count.one.brief.1"]
    assert brief.json()["messages"][0] == {"role": "system", "content": "Be brief"}
    assert brief.header("authorization") == "Bearer the-key"


def test_follow_ups_go_on_in_one_session(run, make_plan, upstream):
    run(make_plan(models=["one"], prompts=None))
    last = [call.json()["messages"] for call in asked(upstream) if len(call.json()["messages"]) > 1]
    assert last == [
        [
            {"role": "user", "content": "Which?"},
            {"role": "assistant", "content": "42"},
            {"role": "user", "content": "And then?"},
        ]
    ]


def test_what_is_done_is_not_run_again(run, make_plan, upstream):
    before = run(make_plan())
    upstream.reset()
    upstream.ordinarily = reply
    again = run(make_plan())
    assert asked(upstream) == []
    assert [one.saved for one in again] == [one.saved for one in before]
    assert not any(one.fresh for one in again)


def test_what_a_changed_plan_changes_is_run_again_and_nothing_else(run, make_plan, upstream):
    run(make_plan())
    upstream.reset()
    upstream.ordinarily = reply
    again = run(make_plan(models=["one", {"id": "two", "temperature": 1}, "three"]))
    assert {one.cell.choice.name for one in again if one.fresh} == {"two", "three"}
    assert {call.json()["model"] for call in asked(upstream)} == {"two", "three"}


def test_another_gold_answer_is_graded_without_a_call(run, make_plan, upstream):
    run(make_plan())
    upstream.reset()
    upstream.ordinarily = reply
    again = run(make_plan(questions=[{"name": "count", "ask": "How many?", "gold": {"numeric": 7}}]))
    assert asked(upstream) == []
    assert [one.passed for one in again] == [False, False, True, True]
    assert json.loads(run.folder.file(again[0].cell).read_text())["verdict"]["passed"] is False


def test_a_model_that_cannot_be_asked_leaves_its_cells_for_the_next_run(run, make_plan, upstream):
    plan = make_plan(models=["one", "broken"], prompts=None)
    outcomes = run(plan)
    assert [one.ran for one in outcomes] == [True, False, True, False]
    assert outcomes[1].problem == "the proxy answered 400: no such model"
    assert (outcomes[1].passed, outcomes[1].is_complete) == (None, False)
    upstream.reset()
    upstream.ordinarily = lambda _: [answers.answer(answers.dump(answers.chat("42")))]
    again = run(plan)
    assert [one.fresh for one in again] == [False, True, False, True]
    assert all(one.is_complete for one in again)


def test_answers_are_judged_and_each_once(run, make_plan, upstream):
    judged = {"name": "why", "ask": "Why?", "gold": {"judge": "names a reason"}}
    plan = make_plan(questions=[judged], judge={"model": "wise"}, prompts=None)
    outcomes = run(plan)
    assert [one.passed for one in outcomes] == [True, True]
    assert run.folder.judge_file(outcomes[0].cell).exists()
    upstream.reset()
    upstream.ordinarily = reply
    assert [one.passed for one in run(plan)] == [True, True]
    assert asked(upstream) == []


def test_an_answer_that_was_not_judged_is_judged_by_the_next_run_alone(run, make_plan, upstream):
    judged = {"name": "why", "ask": "Why?", "gold": {"judge": "names a reason"}}
    outcomes = run(make_plan(questions=[judged], judge={"model": "broken"}, models=["one"], prompts=None))
    assert (outcomes[0].ran, outcomes[0].is_complete) == (True, False)
    assert "no such model" in outcomes[0].problem
    upstream.reset()
    upstream.ordinarily = reply
    again = run(make_plan(questions=[judged], judge={"model": "wise"}, models=["one"], prompts=None))
    assert [call.json()["model"] for call in asked(upstream)] == ["wise"]
    assert (again[0].fresh, again[0].passed) == (False, True)


def test_tools_and_prompts_of_a_server(run, make_plan, upstream):
    plan = make_plan(
        models=["m"],
        prompts=[{"name": "both", "text": "Be brief", "mcp_prompt": "analyst"}],
        questions=[{"name": "q", "ask": "How many?"}],
        mcp_commands=[command_line(EXAMPLE)],
    )
    (outcome,) = run(plan)
    assert outcome.saved["servers"][0]["name"] == "parks"
    assert outcome.saved["system_prompt"].startswith("Be brief\n\nAnswer from the table alone")
    assert [tool["function"]["name"] for tool in outcome.saved["tools"]] == ["query", "describe"]
    assert outcome.saved["turns"][0]["tool_calls"][0]["result"]["source"] == "live"


def test_a_server_that_is_not_there(run, make_plan):
    (outcome,) = run(
        make_plan(
            models=["one"], prompts=None, questions=[{"name": "q", "ask": "x"}], mcp_urls=["http://127.0.0.1:9/mcp"]
        )
    )
    assert outcome.saved["exit"]["reason"] == "mcp_error"
    assert "127.0.0.1:9" in outcome.problem


def test_outcomes_of_nothing(make_plan):
    cell = next(cells_of(make_plan()))
    assert (Outcome(cell, {}).problem, Outcome(cell, {}).passed) == ("it was not run", None)
    late = Outcome(cell, keep(cell, None, exits.TIMEOUT, verdict={"passed": False, "reason": "there is no answer"}))
    assert (late.ran, late.passed, late.is_complete) == (True, False, True)


def test_the_proxys_version(upstream):
    upstream.reset()
    upstream.ordinarily = reply
    assert asyncio.run(read_version(f"{upstream.url}/v1")) == "1.2.3"
    assert upstream.seen[-1].target == "/"
    assert asyncio.run(read_version(f"{upstream.url}/llm/v1/")) == "1.2.3"
    assert upstream.seen[-1].target == "/llm/"
    upstream.play(answers.answer(b"<html>", content_type="text/html"))
    assert asyncio.run(read_version(f"{upstream.url}/v1")) is None
    assert asyncio.run(read_version("http://127.0.0.1:9/v1")) is None
