import json
import threading
from types import SimpleNamespace

from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.snapshot import ClientKey, Snapshot
from open_llm_proxy.recorder.settings import RecorderSettings
from open_llm_proxy.serve.recorder import _Handlers


def records_of(folder):
    return [json.loads(line) for file in sorted(folder.glob("*/*.jsonl")) for line in file.read_text().splitlines()]


def types_of(folder):
    return [record["type"] for record in records_of(folder)]


def test_a_calls_records_go_to_the_log_folder(start, tmp_path):
    served = start(FLUSH_INTERVAL="0.2")
    served.call()
    served.wait_until(lambda: sorted(types_of(tmp_path / "logs")) == ["request", "response"])


def test_the_end_ships_what_the_interval_has_not(start, tmp_path):
    served = start()
    served.call()
    assert served.end() == 0
    assert sorted(types_of(tmp_path / "logs")) == ["request", "response"]


def test_what_the_supervisor_says_reaches_it():
    stop = threading.Event()
    used = []
    handlers = _Handlers(SimpleNamespace(use=used.append), stop)
    snapshot = Snapshot(config=Config(providers={}), config_sha256="", client_keys=(ClientKey("default", "k"),))
    handlers.on_reload(snapshot)
    assert used == [RecorderSettings.of(snapshot)]
    handlers.on_drain(1)
    assert not stop.is_set()
    handlers.on_stop()
    assert stop.is_set()


def test_its_records_are_all_that_stdout_has(start):
    served = start("--demo", "--port", "0")
    served.call("demo")
    assert served.end() == 0
    lines = served.process.stdout.read().splitlines()
    assert sorted(json.loads(line)["type"] for line in lines) == ["request", "response"]
