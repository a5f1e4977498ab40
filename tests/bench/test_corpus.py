import json

from bench.corpus import main, write_day
from open_llm_proxy.store.layout import parse_chunk


def read(folder):
    files = sorted(folder.glob("*/*.jsonl"))
    return files, [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def test_a_day_of_calls_in_chunk_files_of_the_layout(tmp_path):
    size = write_day(tmp_path, "2026-11-01", 1000, files=7)
    files, records = read(tmp_path)
    assert sum(file.stat().st_size for file in files) == size
    assert all(parse_chunk(file.relative_to(tmp_path).as_posix()) for file in files)
    assert [one["type"] for one in records] == ["request", "response"] * 500
    assert len({one["request_id"] for one in records}) == 500
    assert 2500 < size / len(records) < 6000
    stamps = [one["timestamp"] for one in records if one["type"] == "request"]
    assert stamps == sorted(stamps)
    assert {stamp[:10] for stamp in stamps} == {"2026-11-01"}
    sessions = {one["session_id"] for one in records}
    assert 50 < len(sessions) < 200
    assert any(one["type"] == "response" and one["error"] for one in records)


def test_the_same_seed_makes_the_same_bytes(tmp_path):
    for name in "ab":
        write_day(tmp_path / name, "2026-11-01", 100, files=2)
    assert read(tmp_path / "a")[1] == read(tmp_path / "b")[1]


def test_from_the_command_line(tmp_path, capsys):
    assert main([str(tmp_path), "--records", "20", "--days", "2026-11-02"]) == 0
    assert capsys.readouterr().out.startswith("2026-11-02: 20 records")
    assert len(read(tmp_path)[1]) == 20
