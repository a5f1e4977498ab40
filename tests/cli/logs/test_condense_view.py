import sys

import pytest

from open_llm_proxy.cli.logs.condense_view import show_plan, summarise, watching
from open_llm_proxy.logs.condense.plan import Job, Plan
from open_llm_proxy.logs.condense.run import Failed, Report, Step
from open_llm_proxy.logs.condense.site import Done
from open_llm_proxy.logs.folder import Folder

DONE = Done("2026-11-01", 1200, 600, 600, 3, 1, 0)
FAILED = Failed("2026-11-02", "no [room] left")
PLACE = Folder("/logs")


@pytest.fixture
def terminal(monkeypatch):
    """Make what stdout is now a terminal: pytest changes it between a fixture and its test."""
    return lambda: monkeypatch.setattr(sys.stdout, "isatty", lambda: True)


def test_on_a_terminal_a_line_a_day_and_the_end(terminal, capsys):
    terminal()
    with watching(PLACE) as view:
        view.watch(Step(1, 2, "2026-11-01", "begun"))
        view.watch(Step(1, 2, "2026-11-01", "done", 2.5, done=DONE))
        view.watch(Step(2, 2, "2026-11-02", "failed", 1, failed=FAILED))
    view.end(Report([DONE], [FAILED], ["2026-10"]))
    said = capsys.readouterr()
    assert "2026-11-01  1,200 records, 3 doubles, 1 torn, 2.5 s" in said.err
    assert "no [room] left" in said.err
    assert said.out == "1 done; waiting for their days: 2026-10; failed: 2026-11-02\n"


def test_the_last_line():
    assert summarise(Report([], [], []), PLACE) == "nothing to condense in /logs"
    assert summarise(Report([DONE], [], []), PLACE) == "1 done; none failed"


def test_a_plan_on_a_terminal(terminal, capsys):
    terminal()
    show_plan(Plan([Job("2026-11-01"), Job("2026-10", ("2026-10-03",))], []), PLACE)
    show_plan(Plan([], []), PLACE)
    assert capsys.readouterr().out.splitlines() == [
        "would condense 2026-11-01",
        "would condense 2026-10 (late files of 2026-10-03)",
        "nothing to condense in /logs",
    ]
