import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from open_llm_proxy.config.load import Flags
from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.snapshot import Snapshot, StoreSettings
from open_llm_proxy.errors import UserError
from open_llm_proxy.serve.run import check_log_folder, check_open_files, list_children, lock_spool, run
from open_llm_proxy.spool.directory import SpoolLock
from open_llm_proxy.telemetry import diagnostics


@pytest.fixture
def refused(tmp_path):
    """Run a serve that comes to no children; its error."""

    def refused(config=None, **environ):
        listen = {"listen": {"host": "127.0.0.1", "port": 0}}
        providers = {"providers": {"a": {"endpoint": "https://a.example/v1/chat/completions"}}}
        (tmp_path / "config.json").write_text(json.dumps(listen | providers | (config or {})))
        given = {"PROXY_KEY": "k", "SPOOL_DIR": str(tmp_path / "spool"), **environ}
        with pytest.raises(UserError) as caught:
            run(
                Flags(),
                given,
                cwd=tmp_path,
                stdout_is_terminal=False,
                announce=lambda *_: pytest.fail("it serves"),
                commands=lambda _: pytest.fail("it starts children"),
            )
        assert caught.value.exit_code == 2
        return caught.value

    return refused


def test_a_wrong_configuration(refused):
    assert "workers" in refused({"workers": 0}).message


def test_a_port_in_use(refused, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        error = refused({"listen": {"host": "127.0.0.1", "port": other.getsockname()[1]}})
    assert "in use" in error.message
    assert "--port" in error.remedy
    assert not (tmp_path / "spool").exists(), "the port is looked at before anything is made"


def test_a_log_folder_that_can_not_be_written(refused, tmp_path):
    (tmp_path / "file").touch()
    error = refused(LOG_DIR=str(tmp_path / "file" / "logs"))
    assert f"the log folder {tmp_path}/file/logs cannot be written" in error.message
    assert "LOG_DIR" in error.remedy


def test_a_spool_that_can_not_be_written(refused, tmp_path):
    (tmp_path / "file").touch()
    assert "SPOOL_DIR" in refused(SPOOL_DIR=str(tmp_path / "file" / "spool")).remedy


def test_a_spool_in_use(refused, tmp_path, monkeypatch):
    waited = []
    acquire = SpoolLock.acquire
    lock = acquire(tmp_path / "spool")

    def acquire_at_once(spool, **more):
        waited.append(more)
        return acquire(spool, wait_s=0)

    monkeypatch.setattr(SpoolLock, "acquire", acquire_at_once)
    assert "in use by another" in refused().message
    assert waited == [{}], "as long as a rolling restart takes"
    lock.release()


def test_waiting_for_a_spool_is_said(tmp_path, monkeypatch, capfd):
    said = threading.Event()
    monkeypatch.setattr("open_llm_proxy.serve.run.SILENT_S", 0)
    monkeypatch.setattr(SpoolLock, "acquire", lambda spool: said.wait(20) and spool)
    say = diagnostics.say
    monkeypatch.setattr(diagnostics, "say", lambda *words: (say(*words), said.set()))
    assert lock_spool(tmp_path) == tmp_path
    assert f"waiting for the spool folder {tmp_path}" in capfd.readouterr().err


def test_a_log_folder_is_made_and_left_empty(tmp_path):
    folder = tmp_path / "a" / "b"
    check_log_folder(Snapshot(config=Config(providers={}), config_sha256="", store=StoreSettings(folder=str(folder))))
    assert list(folder.iterdir()) == []


def test_without_a_log_folder_none_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_log_folder(Snapshot(config=Config(providers={}), config_sha256=""))
    assert list(Path().iterdir()) == []


def test_slots_are_the_recorders_then_the_workers_then_the_demos():
    with socket.socket() as one, socket.socket() as two, socket.socket() as demo:
        specs = list_children([one, two], demo, 7)
        assert [(spec.name, spec.slot, spec.listener) for spec in specs] == [
            ("worker 1", 1, one),
            ("worker 2", 2, two),
            ("demo", 3, demo),
            ("recorder", 0, None),
        ]
        assert [spec.role for spec in list_children([one], None, 7)] == ["worker", "recorder"]


def test_the_supervisor_brings_no_event_loop_no_engine_and_no_store_client():
    code = "import sys, open_llm_proxy.serve.run; print(*sys.modules)"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"asyncio", "uvloop", "httptools", "obstore", "ssl", "typer", "open_llm_proxy.http1"}
    assert heavy.isdisjoint(listed.stdout.split())


@pytest.mark.parametrize(("most", "said"), [(8191, True), (8192, False), (65536, False)])
def test_fewer_files_than_clients_are_said(capfd, most, said):
    check_open_files(most, 8192)
    told = capfd.readouterr().err
    assert ("ulimit -n" in told) == said
    assert told.count("\n") == said
