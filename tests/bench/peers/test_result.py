from pathlib import Path

import pytest

from bench.peers import result as results


def test_a_result_is_read_as_it_was_written(tmp_path: Path, result: results.Result):
    file = tmp_path / "peers-1.json"
    result.write(file)
    assert results.read_result(file) == result


def test_what_is_no_result_is_refused(tmp_path: Path):
    file = tmp_path / "peers-1.json"
    file.write_text('{"peers": [], "kills": [], "figures": []}')
    with pytest.raises(TypeError):
        results.read_result(file)


def test_the_newest_run_is_found_by_its_name(tmp_path: Path):
    assert results.find_last(tmp_path) is None
    for name in ("peers-2026-01-02.json", "peers-2026-01-10.json", "2026-02-01.json"):
        (tmp_path / name).touch()
    assert results.find_last(tmp_path) == tmp_path / "peers-2026-01-10.json"


def test_a_reading_is_the_median_of_its_rounds(result: results.Result):
    ours = result.peers[0]
    assert ours.find("call") == 300
    assert ours.find("p50 at 1") == 110
    assert ours.find("large call") is None
