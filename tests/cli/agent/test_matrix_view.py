from pathlib import Path

import pytest
from tests.agent.conftest import PLAN, keep
from tests.agent.test_report import outcomes_of

from open_llm_proxy.agent.cell import cells_of
from open_llm_proxy.agent.matrix import Outcome
from open_llm_proxy.agent.plan_file import read_plan
from open_llm_proxy.agent.report import make_report
from open_llm_proxy.cli.agent.matrix_view import conclude, show_report, watch


@pytest.fixture
def plan():
    return read_plan(PLAN, Path(), "plan", [])


def test_the_report(plan, capsys):
    show_report(make_report(plan, outcomes_of(plan)))
    said = capsys.readouterr().out
    assert said.startswith("parks: 6 of 8 cells run · 2/3 67% passed (21%-94%) · $4.00\n")
    assert "one    plain   1/1 100%  21%-100%  2/2    2.0    1.0  60 → 40  $1.00" in said
    assert [line.split() for line in said.splitlines() if line.startswith("count ")] == [["count", *"✓✓✗!"]]
    assert "count.two.brief.1: gone" in said
    assert "proxy: open-llm-proxy 1.2.3" in said


def test_what_models_say_drives_no_terminal(plan, capsys):
    saved = keep(next(cells_of(plan)), "42")
    saved["turns"][0]["upstream_model"] = "\x1b[2Jmodel [bold]"
    show_report(make_report(plan, [Outcome(next(cells_of(plan)), saved)]))
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\\x1b[2Jmodel [bold]" in said


def test_progress(plan, capfd):
    cells = list(cells_of(plan))
    show = watch(8)
    show(Outcome(cells[0], keep(cells[0], verdict={"passed": True}), fresh=True))
    show(Outcome(cells[1], keep(cells[1], verdict={"passed": True})))
    show(Outcome(cells[2], {}))
    assert capfd.readouterr().err.splitlines() == [
        "open-llm-proxy: [1/8] ✓ count.one.plain.1",
        "open-llm-proxy: [3/8] ! count.two.plain.1: it was not run",
    ]


@pytest.mark.parametrize(("status", "why"), [(130, "interrupted"), (4, "not everything could be run")])
def test_what_is_left(plan, capfd, status, why):
    conclude(make_report(plan, outcomes_of(plan)), Path("there"), status)
    said = capfd.readouterr().err.splitlines()
    assert said == [
        "open-llm-proxy: 6 of 8 cells had been run before",
        f"open-llm-proxy: warning: {why}: 2 cells are left; the same command goes on",
        "open-llm-proxy: there/report.md, there/report.html",
    ]
