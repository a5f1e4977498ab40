import os
from pathlib import Path

import pytest

from bench.peers import installed


def test_a_folders_bytes_are_its_files_each_once(tmp_path: Path):
    (tmp_path / "a").write_bytes(os.urandom(5000))
    before = installed.measure_folder(tmp_path)
    assert before >= 5000
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").symlink_to(tmp_path / "a")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_bytes(bytes(9000))
    assert installed.measure_folder(tmp_path) == before


def test_versions_are_read_from_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPEN_LLM_PROXY_PARTS", str(tmp_path))
    (tmp_path / "peers/x/lib/python3.11/site-packages/a_b-1.2.3.dist-info").mkdir(parents=True)
    package = tmp_path / "peers/y/node_modules/@a/b"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "@a/b", "version": "4.5.6"}')
    assert installed.read_python_version("x", "a-b") == "1.2.3"
    assert installed.read_python_version("x", "c") == "absent"
    assert installed.read_node_version("y", "@a/b") == "4.5.6"
    assert installed.read_node_version("y", "c") == "absent"
    assert installed.ask_version("sh", "-c", "echo nginx version: nginx/1.22.1 >&2") == "1.22.1"
    assert installed.ask_version("no-such-program") == "absent"
