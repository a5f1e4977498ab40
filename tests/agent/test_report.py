import pytest
from tests.agent.conftest import keep

from open_llm_proxy.agent import exits
from open_llm_proxy.agent.cell import cells_of
from open_llm_proxy.agent.matrix import Outcome
from open_llm_proxy.agent.report import Figures, figures_of, make_report


def outcomes_of(plan):
    """Model one is right about what has a gold answer, model two is not, and its brief prompt cannot be asked."""
    found = []
    for cell in cells_of(plan):
        broken = cell.choice.name == "two" and cell.prompt.name == "brief"
        saved = keep(cell, "42", exits.MCP_ERROR.with_message("gone") if broken else exits.ANSWERED)
        if cell.question.gold is not None and not broken:
            saved["verdict"] = {"passed": cell.choice.name == "one", "kind": "numeric", "wanted": "42", "reason": "so"}
        found.append(Outcome(cell, saved))
    return found


@pytest.fixture
def report(make_plan):
    plan = make_plan(repeats=2)
    return make_report(plan, outcomes_of(plan), ["gone.one.plain.1"])


def test_groups(report):
    assert [group.name for group in report.groups] == ["one / plain", "one / brief", "two / plain", "two / brief"]
    first, _, third, broken = report.groups
    assert (first.cells, first.ran, first.passed[:2]) == (4, 4, (2, 2))
    assert (first.turns, first.tool_calls, first.prompt_tokens, first.completion_tokens) == (2, 1, 60, 40)
    assert (first.cost, first.model_ms) == (2.0, 300)
    assert first.wall_ms >= 0
    assert third.passed[:2] == (0, 2)
    assert (broken.cells, broken.ran, broken.passed.rate) == (4, 0, None)
    assert (broken.turns, broken.cost, broken.model_ms, broken.wall_ms) == (None, None, None, None)


def test_the_whole(report):
    assert report.passed[:2] == (4, 6)
    assert len(report.incomplete) == 4
    assert report.cost == 8.0
    assert report.judge_cost is None
    assert [one.cell.name for one in report.row("count", report.groups[0])] == [
        "count.one.plain.1",
        "count.one.plain.2",
    ]


def test_versions(report):
    versions = report.versions
    assert versions.proxy == ["1.2.3"]
    assert versions.models == {"one": ["up-m"], "two": ["up-m"]}
    assert versions.prompts["plain"] == []
    assert [len(sha256) for sha256 in (*versions.prompts["brief"], *versions.tools)] == [64, 64]
    assert versions.runner[0].startswith("agent_runner/")


def test_judges(make_plan):
    plan = make_plan(models=["one"], prompts=None, questions=[{"name": "q", "ask": "?"}])
    judge = {"judge": {"model": "wise", "upstream_model": "wise-2026", "cost": 0.5}, "passed": True}
    report = make_report(plan, [Outcome(cell, keep(cell, verdict=judge)) for cell in cells_of(plan)])
    assert report.versions.judges == ["wise-2026"]
    assert report.judge_cost == 0.5


def test_figures_of_a_file_with_nothing_in_it():
    assert figures_of({}) == Figures(0, 0, 0, 0, None, 0, None)
    assert figures_of({"turns": 7, "usage": [], "started_at": "x", "finished_at": None}) == figures_of({})
