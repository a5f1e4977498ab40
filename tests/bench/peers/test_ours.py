import json
from pathlib import Path

import pytest

from bench.peers import ours
from bench.peers.peer import Place, Running
from bench.peers.upstream import Upstream
from bench.processes import RigError


def write(folder: Path, *records: tuple[str, str]) -> Running:
    day = folder / "logs" / "2026-01-01"
    day.mkdir(parents=True)
    lines = [json.dumps({"type": kind, "request_id": name}) for kind, name in records]
    (day / "a.jsonl").write_text("\n".join(lines) + "\n")
    return Running(Place(folder, 1, Upstream(folder / "provider", folder)), 0, 0, {})


def test_a_call_is_named_by_its_answer():
    assert ours.name_call(1, b"HTTP/1.1 200 OK\r\nX-LLM-Request-Id: 0abc\r\nx: 1\r\n") == "0abc"
    assert ours.name_call(1, b"HTTP/1.1 200 OK\r\n") == ""


def test_a_call_is_on_record_with_both_records(tmp_path: Path):
    running = write(tmp_path, ("request", "a"), ("response", "a"), ("request", "b"), ("tools", "c"), ("response", "d"))
    assert ours.find_ids(running) == {"a"}


def test_a_doubled_record_is_an_error(tmp_path: Path):
    running = write(tmp_path, ("request", "a"), ("request", "a"), ("response", "a"))
    with pytest.raises(RigError, match="more than once"):
        ours.find_ids(running)
