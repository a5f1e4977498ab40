import sys

from open_llm_proxy.cli.logs.sync_view import show_outcome, summarise, watching
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.sync import Advance, Failure, Outcome


def test_what_it_came_to(capfd):
    outcome = Outcome(["a"], 2_500_000, 3, 1, ["b"], [Failure("c", "no room")])
    assert (
        summarise(outcome, dry_run=False)
        == "1 copied (2.5 MB), 3 unchanged, 1 deleted, 1 condensed meanwhile, 1 failed"
    )
    show_outcome(outcome, Folder("/x"), Folder("/y"), dry_run=True)
    said = capfd.readouterr()
    assert "c was not copied: no room" in said.err
    assert said.out.splitlines()[:2] == ["would copy a", "would delete b"]
    assert said.out.splitlines()[2].startswith("/x -> /y: 1 to copy")


def test_a_bar_on_a_terminal(monkeypatch, capsys):
    with watching() as watch:
        watch(Advance(1, 2, "a"))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with watching() as watch:
        watch(Advance(1, 2, "a"))
