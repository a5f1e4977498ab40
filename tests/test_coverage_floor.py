"""The floor under the coverage of the packages that must not lose a call."""

import json

import pytest
from tests.coverage_floor import HELD, main


def summary(lines: int, branches: int) -> dict[str, dict[str, int]]:
    """A file with a hundred lines and a hundred branches, so many of them taken."""
    return {
        "summary": {
            "covered_lines": lines,
            "num_statements": 100,
            "covered_branches": branches,
            "num_branches": 100,
        }
    }


@pytest.fixture
def judge(tmp_path, capsys):
    def judge_files(**changed) -> tuple[int, str]:
        files = {f"src/open_llm_proxy/{package}/a.py": summary(100, 100) for package in HELD}
        files |= {f"src/open_llm_proxy/{package}/b.py": one for package, one in changed.items() if one}
        files = {name: one for name, one in files.items() if changed.get(name.split("/")[2], True)}
        report = tmp_path / "report.json"
        report.write_text(json.dumps({"files": files}))
        return main(str(report)), capsys.readouterr().out

    return judge_files


def test_each_package_has_its_row(judge):
    status, table = judge()
    assert status == 0
    assert (
        [line.split()[0] for line in table.splitlines()[1:]]
        == HELD
        == ["http1", "proxy", "records", "recorder", "spool"]
    )
    assert "below" not in table


def test_a_package_just_on_the_floor_passes(judge):
    assert judge(http1=summary(90, 90))[0] == 0


@pytest.mark.parametrize("short", [summary(100, 89), summary(89, 100)], ids=["branches", "lines"])
def test_one_package_below_fails_however_good_the_others_are(judge, short):
    status, table = judge(spool=short)
    assert status == 1
    assert [line.split()[0] for line in table.splitlines() if "below 95 %" in line] == ["spool"]


def test_a_package_that_was_not_measured_fails(judge):
    assert judge(recorder=None)[0] == 1


def test_packages_that_are_not_held_do_not_count(judge):
    assert judge(cli=summary(0, 0))[0] == 0
