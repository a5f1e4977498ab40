from pathlib import Path

import pytest

from bench.peers import __main__ as command
from bench.peers.peers import MEASURED
from bench.peers.result import Result


def test_a_kept_result_is_rendered_without_measuring(tmp_path: Path, result: Result, capsys, monkeypatch):
    monkeypatch.setattr(command, "ROOT", tmp_path)
    file = tmp_path / "peers-1.json"
    result.peers[1].reasons.clear()
    result.write(file)
    assert command.main(["--render", str(file), "--no-docs"]) == 0
    assert "| CPU a call, 1 KB in (µs) | 300 (45.0 serving, 255 recorder) |" in capsys.readouterr().out
    assert command.take_result(tmp_path) == result


def test_a_run_in_which_something_failed_says_so(tmp_path: Path, result: Result):
    result.write(tmp_path / "peers-1.json")
    assert command.main(["--render", str(tmp_path), "--no-docs"]) == 1


def test_without_a_result_there_is_nothing_to_render(tmp_path: Path, capsys):
    assert command.main(["--render", str(tmp_path)]) == 2
    assert "no result" in capsys.readouterr().err


@pytest.mark.parametrize(("only", "count"), [(None, len(MEASURED)), ("nginx,lite", 2), ("none", 0)])
def test_peers_are_chosen_by_the_beginning_of_their_names(only, count):
    assert len(command.choose(MEASURED, only)) == count
