import json

import pytest
from tests.agent.conftest import keep

from open_llm_proxy.agent import exits
from open_llm_proxy.agent.cell import cells_of
from open_llm_proxy.agent.cell_folder import CellFolder
from open_llm_proxy.errors import UserError


@pytest.fixture
def folder(tmp_path):
    folder = CellFolder(tmp_path / "runs" / "parks")
    with folder.held():
        yield folder


@pytest.fixture
def cell(make_plan):
    return next(cells_of(make_plan()))


def test_what_is_written_is_finished(folder, cell):
    assert folder.finished(cell) is None
    saved = keep(cell)
    folder.write(cell, saved)
    assert folder.finished(cell) == saved
    assert folder.file(cell).name == "count.one.plain.1.json"
    assert [path.name for path in folder.file(cell).parent.iterdir()] == ["count.one.plain.1.json"]


def test_what_could_not_be_run_is_not_finished(folder, cell):
    folder.write(cell, keep(cell, None, exits.MCP_ERROR))
    assert folder.read(cell) is not None
    assert folder.finished(cell) is None


def test_what_another_plan_left_is_not_finished(folder, cell, make_plan):
    folder.write(cell, keep(cell))
    assert folder.finished(next(cells_of(make_plan(max_turns=3)))) is None


@pytest.mark.parametrize("text", ["", "{", "7", "[]"])
def test_a_file_that_is_no_json_object_is_nothing(folder, cell, text):
    folder.file(cell).write_text(text)
    assert folder.finished(cell) is None


def test_cells_that_are_not_asked_for(folder, cell):
    folder.write(cell, keep(cell))
    assert folder.others({cell.name}) == []
    assert folder.others(set()) == [cell.name]


def test_two_runs_at_a_time(folder):
    with pytest.raises(UserError, match="another run is writing to"), CellFolder(folder.path).held():
        pass


def test_it_is_free_afterwards(tmp_path):
    for _ in range(2):
        with CellFolder(tmp_path).held():
            pass


def test_what_cannot_be_written(tmp_path, folder, cell):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"), CellFolder(tmp_path / "file").held():
        pass
    with pytest.raises(UserError, match=r"nowhere/x\.md cannot be written"):
        folder.put(folder.path / "nowhere" / "x.md", "")


def test_lone_surrogates_are_kept_as_something(folder, cell):
    folder.write(cell, keep(cell, "cut \ud83d"))
    assert json.loads(folder.file(cell).read_text())["answer"] == "cut ?"
