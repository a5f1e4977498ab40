import contextlib
import json
import os
import shutil
import threading

import pytest
from tests.parts.collector import run_collector

from open_llm_proxy.config.snapshot import StoreSettings
from open_llm_proxy.errors import UserError
from open_llm_proxy.recorder import recorder as module
from open_llm_proxy.recorder.recorder import Recorder, open_sink
from open_llm_proxy.recorder.sinks import SinkError
from open_llm_proxy.recorder.sinks.folder import FolderSink
from open_llm_proxy.recorder.sinks.object_store import ObjectStoreSink
from open_llm_proxy.spool.directory import SpoolLock
from open_llm_proxy.telemetry.scoreboard import (
    FRAMES_WAITING,
    OLDEST_UNSHIPPED_NS,
    OUTBOX_BYTES,
    OUTBOX_FILES,
    RECORDED,
    RECORDER_SLOT,
    SHIPPED,
    STORE_STATE,
)


class Running:
    """A recorder in a thread of this process; stdout goes to a file."""

    def __init__(self, kit, wait_until):
        self.kit = kit
        self.wait_until = wait_until
        self.out = kit.folder / f"out-{id(self)}"
        self.fd = os.open(self.out, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self.recorder = Recorder(kit.settings, kit.board, stdout_fd=self.fd)
        self.event = threading.Event()
        self.grace_s = 20.0
        self.result = None
        self.error = None
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            self.result = self.recorder.run(self.event, self.grace_s)
        except Exception as error:
            self.error = error

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        """Whether nothing was left behind."""
        self.event.set()
        self.thread.join(60)
        assert not self.thread.is_alive()
        if self.error:
            raise self.error
        return self.result

    def once(self):
        """Work off what is there, and end."""
        self.event.set()
        return self.start().stop()

    def lines(self):
        return [json.loads(line) for line in self.out.read_bytes().splitlines()]

    def ids(self):
        return [(record["type"], record["request_id"]) for record in self.lines()]


@pytest.fixture
def running(kit, wait_until):
    made = []

    def make():
        made.append(Running(kit, wait_until))
        return made[-1]

    yield make
    for one in made:
        one.event.set()
        with contextlib.suppress(RuntimeError):
            one.thread.join(60)
        os.close(one.fd)


def pair(kit, number):
    return kit.request(number), kit.response(number)


def test_records_are_on_stdout_and_in_the_folder_while_the_writer_lives(kit, running, wait_until):
    kit.adapt({"flush_interval_s": 0.1})
    one = running().start()
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, *pair(kit, 1))
    wait_until(lambda: len(one.ids()) == 2)
    wait_until(lambda: len(kit.stored()) == 2)
    kit.write(writer, *pair(kit, 2))
    wait_until(lambda: len(kit.stored()) == 4)
    wait_until(lambda: kit.counters[SHIPPED] == kit.counters[RECORDED] == 4)
    wait_until(lambda: kit.counters[OUTBOX_FILES] == kit.counters[OLDEST_UNSHIPPED_NS] == 0)
    assert not one.stop()  # the writer's directory is there still
    assert one.ids() == kit.stored()


def test_chunk_files_have_the_name_of_their_segments_and_whole_lines(kit, running):
    writer = kit.writer(host="pod_1")
    kit.write(writer, *pair(kit, 1))
    directory = writer._directory.name
    writer.close()
    assert running().once()
    (path,) = kit.logs.rglob("*.jsonl")
    assert str(path.relative_to(kit.logs)) == f"2026-11-25/12-00-00-pod-1-{os.getpid()}-{directory}.1.1.jsonl"
    assert path.read_bytes().count(b"\n") == 2
    assert kit.files() == []
    assert kit.counters[STORE_STATE] == 1


def test_stdout_is_cut_once_the_store_has_taken_a_chunk_file(kit, running, wait_until):
    kit.adapt({"flush_interval_s": 0.1, "stdout_max_field": 3})
    one = running().start()
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, kit.request(1))
    wait_until(lambda: kit.counters[SHIPPED] == 1)
    kit.write(writer, kit.request(2))
    wait_until(lambda: len(one.lines()) == 2)
    one.stop()
    assert [record["user_question"][:4] == "ques" for record in one.lines()] == [True, False]


def test_without_a_store_stdout_has_it_all_and_nothing_is_kept(kit, running, wait_until):
    kit.adapt({"flush_interval_s": 0.1, "stdout_max_field": 3}, store=StoreSettings())
    one = running().start()
    writer = kit.writer()
    kit.write(writer, *pair(kit, 1))
    wait_until(lambda: len(one.lines()) == 2)
    writer.close()
    wait_until(lambda: kit.files() == [])
    assert one.stop()
    assert one.lines()[0]["user_question"] == "question"
    assert kit.counters[STORE_STATE] == 0


def test_a_refused_store_is_said_and_records_go_to_stdout(kit, running):
    kit.adapt(store=StoreSettings(refused="LOG_BUCKET still holds '<'. Name your bucket"))
    writer = kit.writer()
    kit.write(writer, *pair(kit, 1))
    writer.close()
    one = running()
    assert one.once()
    assert len(one.ids()) == 2
    assert kit.counters[STORE_STATE] == 2
    assert "LOG_BUCKET" in kit.board.text(RECORDER_SLOT)


def test_spools_of_other_versions_and_hosts_are_adopted(kit, running):
    for host, version in (("pod-a", "0.1"), ("pod-b", "0.2")):
        writer = kit.writer(host=host, version=version)
        kit.write(writer, *pair(kit, host))
        kit.die(writer)
    assert running().once()
    assert sorted(kit.stored()) == sorted(
        (kind, host) for host in ("pod-a", "pod-b") for kind in ("request", "response")
    )
    names = sorted(path.name.split("-")[3:5] for path in kit.logs.rglob("*.jsonl"))
    assert names == [["pod", "a"], ["pod", "b"]]
    for path in kit.logs.rglob("*pod-a*.jsonl"):
        record = json.loads(path.read_bytes().splitlines()[0])
        assert (record["host"], record["proxy_version"]) == ("pod-a", "0.1")


def test_two_proxies_with_equal_host_names_and_pids_share_a_folder(kit, running, tmp_path):
    for number in (1, 2):
        kit.spool = tmp_path / f"spool-{number}"
        kit.adapt(spool=kit.spool)
        writer = kit.writer(host="same")
        kit.write(writer, *pair(kit, number))
        writer.close()
        assert running().once()
    assert len(list(kit.logs.rglob("*.jsonl"))) == 2
    assert sorted(kit.stored()) == [("request", "1"), ("request", "2"), ("response", "1"), ("response", "2")]


def test_midnight_under_load(kit, running):
    midnight = kit.NOON_NS + kit.DAY_NS // 2
    writer = kit.writer()
    for number in range(20):
        at_ns = midnight + (number - 10) * 10**9
        kit.now_ns = at_ns
        kit.write(writer, kit.request(number, at_ns), kit.response(number, at_ns + 3 * 10**9))
    writer.close()
    assert running().once()
    for path in kit.logs.rglob("*.jsonl"):
        days = {json.loads(line)["timestamp"][:10] for line in path.read_bytes().splitlines()}
        assert days == {path.parent.name}
    assert len(kit.stored()) == len(set(kit.stored())) == 40


def test_the_clock_set_back(kit, running):
    writer = kit.writer(segment_bytes=1)
    for number, shift in enumerate([0, -3600, -2 * 86_400, 0, -1]):
        kit.now_ns = kit.NOON_NS + shift * 10**9
        kit.write(writer, kit.request(number, kit.now_ns), kit.response(number, kit.now_ns))
    writer.close()
    assert running().once()
    assert len(kit.stored()) == len(set(kit.stored())) == 10
    assert {path.parent.name for path in kit.logs.rglob("*.jsonl")} == {"2026-11-23", "2026-11-25"}


def test_a_second_recorder_on_the_spool_is_refused(kit, running, monkeypatch):
    monkeypatch.setattr(module, "LOCK_WAIT_S", 0)
    lock = SpoolLock.acquire(kit.spool, name=module.LOCK_NAME)
    with pytest.raises(UserError, match="in use"):
        running().once()
    lock.release()


# --- the store is down, slow, full -----------------------------------------------------------------------------------


class Gate:
    """A sink that waits until it is opened, or refuses."""

    def __init__(self, folder):
        self.open = threading.Event()
        self.down = False
        self.sink = FolderSink(folder)

    def put(self, key, path):
        if self.down:
            raise SinkError("unreachable", "the store is down")
        assert self.open.wait(60)
        self.sink.put(key, path)


@pytest.fixture
def gate(kit, monkeypatch):
    made = Gate(kit.logs)
    monkeypatch.setattr(module, "open_sink", lambda _: made)
    yield made
    made.down = False
    made.open.set()


def test_a_stop_with_a_slow_store_ends_in_time_and_the_next_start_ships_the_rest(kit, running, gate, monkeypatch):
    writer = kit.writer(segment_bytes=1)
    for number in range(5):
        kit.write(writer, *pair(kit, number))
    writer.close()
    one = running()
    one.grace_s = 0.5
    assert not one.once()
    assert kit.stored() == []
    assert len(kit.files("outbox/**/*.jsonl")) == 1
    gate.open.set()
    moved = kit.folder / "another-mount"
    one.thread.join()
    shutil.move(kit.spool, moved)
    kit.adapt(spool=moved)
    kit.spool = moved
    assert running().once()
    assert len(set(kit.stored())) == len(kit.stored()) == 10


def test_a_full_outbox_leaves_frames_in_the_spool_until_the_store_is_back(kit, running, gate, wait_until):
    gate.down = True
    gate.open.set()
    kit.adapt({"flush_interval_s": 0.01}, outbox_bytes=1000)
    one = running().start()
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, *pair(kit, 1))
    wait_until(lambda: kit.counters[OUTBOX_BYTES] >= 1000)
    kit.write(writer, *pair(kit, 2))
    wait_until(lambda: kit.counters[FRAMES_WAITING] > 0)
    assert len(kit.files("outbox/**/*.jsonl")) == 1
    assert kit.counters[OLDEST_UNSHIPPED_NS] == kit.NOON_NS
    assert len(one.ids()) == 2
    gate.down = False
    wait_until(lambda: len(kit.stored()) == 4)
    writer.close()
    one.stop()
    assert len(kit.stored()) == 4


def test_on_a_short_disk_nothing_is_added_to_an_outbox_that_waits(kit, running, gate, wait_until, monkeypatch):
    short = threading.Event()
    monkeypatch.setattr(module, "is_disk_short", lambda _: short.is_set())
    gate.down = True
    gate.open.set()
    kit.adapt({"flush_interval_s": 0.01})
    one = running().start()
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, *pair(kit, 1))
    wait_until(lambda: kit.counters[OUTBOX_FILES] == 1)
    short.set()
    wait_until(lambda: one.recorder._stalled)
    kit.write(writer, *pair(kit, 2))
    gate.down = False
    wait_until(lambda: len(kit.stored()) == 4)  # though the disk is short: with an empty outbox it goes on
    writer.close()
    one.stop()


def test_a_store_that_appears_at_a_reload(kit, running, wait_until):
    kit.adapt({"flush_interval_s": 0.05}, store=StoreSettings())
    one = running().start()
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, *pair(kit, 1))
    wait_until(lambda: len(one.ids()) == 2)
    wait_until(lambda: kit.files("frames/**/*") == [])
    one.recorder.use(kit.adapt(store=StoreSettings(folder=str(kit.logs))))
    kit.write(writer, *pair(kit, 2))
    wait_until(lambda: ("response", "2") in kit.stored())
    writer.close()
    assert one.stop()


def test_another_store_at_a_reload_takes_what_comes_from_then_on(kit, running, wait_until, tmp_path):
    kit.adapt({"flush_interval_s": 0.05})
    one = running().start()
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, *pair(kit, 1))
    wait_until(lambda: len(kit.stored()) == 2)
    one.recorder.use(kit.adapt(store=StoreSettings(folder=str(tmp_path / "other"))))
    wait_until(lambda: one.recorder._settings is kit.settings)
    kit.write(writer, *pair(kit, 2))
    wait_until(lambda: kit.stored(tmp_path / "other") == [("request", "2"), ("response", "2")])
    writer.close()
    assert one.stop()
    assert len(kit.stored()) == 2
    assert len(one.ids()) == 4  # read on, not again


@pytest.mark.parametrize("store", [StoreSettings(), StoreSettings(refused="LOG_BUCKET still holds '<'")])
def test_a_store_that_is_taken_away_at_a_reload_is_used_on_and_that_is_said(kit, running, wait_until, capfd, store):
    kit.adapt({"flush_interval_s": 0.05})
    one = running().start()
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, *pair(kit, 1))
    wait_until(lambda: len(kit.stored()) == 2)
    one.recorder.use(kit.adapt(store=store))
    wait_until(lambda: one.recorder._settings is kit.settings)
    kit.write(writer, *pair(kit, 2))
    wait_until(lambda: len(kit.stored()) == 4)
    wait_until(lambda: kit.counters[STORE_STATE] == 1)
    writer.close()
    assert one.stop()
    assert "chunk files go to the former one until the next start" in capfd.readouterr().err


def test_a_store_that_is_refused_at_a_reload_too_changes_nothing(kit, running, wait_until):
    kit.adapt({"flush_interval_s": 0.05}, store=StoreSettings())
    one = running().start()
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, kit.request(1))
    wait_until(lambda: len(one.ids()) == 1)
    one.recorder.use(kit.adapt(store=StoreSettings(refused="LOG_BUCKET still holds '<'")))
    wait_until(lambda: kit.counters[STORE_STATE] == 2)
    kit.write(writer, kit.request(2))
    wait_until(lambda: len(one.ids()) == 2)
    writer.close()
    assert one.stop()
    assert one.ids() == [("request", "1"), ("request", "2")]


def test_slow_completions_are_said_each(kit, running, capfd):
    kit.adapt({"slow_completion_s": 1})
    writer = kit.writer()
    kit.write(writer, *(kit.response(number, latency_us=2_000_000) for number in range(3)))
    writer.close()
    assert running().once()
    assert capfd.readouterr().err.count("Slow completion: 2 s for m at p") == 3


def test_a_stop_that_has_no_time_left_leaves_directories_to_the_next_start(kit, running):
    writer = kit.writer()
    kit.write(writer, *pair(kit, 1))
    writer.close()
    one = running()
    one.grace_s = 0
    assert not one.once()
    assert running().once()
    assert sorted(kit.stored()) == [("request", "1"), ("response", "1")]
    assert kit.files() == []


def test_other_caps_at_a_reload(kit, running, wait_until):
    one = running().start()
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    wait_until(lambda: len(one.ids()) == 1)
    one.recorder.use(kit.adapt({"user_question_max": 3}))
    wait_until(lambda: one.recorder._settings is kit.settings)
    kit.write(writer, kit.request(2))
    wait_until(lambda: len(one.ids()) == 2)
    assert [record["user_question"] for record in one.lines()] == ["question", "que"]


def test_calls_are_metered_and_a_directory_that_is_gone_is_forgotten(kit, running):
    kit.board.ledger.begin(kit.NOON_NS)
    kit.adapt(models=frozenset({"m"}))
    writer = kit.writer()
    kit.write(writer, *pair(kit, 1), kit.request(2))
    directory = writer._directory.name
    kit.die(writer)
    assert running().once()
    ((labels, row),) = kit.board.ledger.rows()
    assert labels == ("p", "m", "default")
    assert (row.calls("2xx"), row.calls("none"), row.errors("worker_ended")) == (1, 1, 1)
    assert not kit.board.ledger.is_counted(directory, 0, 0)


def test_models_of_a_reload_get_their_label(kit, running, wait_until):
    kit.board.ledger.begin(kit.NOON_NS)
    one = running().start()
    writer = kit.writer()
    kit.write(writer, kit.request(1), kit.response(1, status=404, provider_status=404))
    wait_until(lambda: len(one.ids()) == 2)
    one.recorder.use(kit.adapt(models=frozenset({"m"})))
    wait_until(lambda: one.recorder._settings is kit.settings)
    kit.write(writer, kit.request(2), kit.response(2, status=404, provider_status=404))
    wait_until(lambda: len(one.ids()) == 4)
    one.stop()
    assert [labels.model for labels, _ in kit.board.ledger.rows()] == ["other", "m"]


def test_providers_of_a_reload_are_known_to_traces(kit, running, wait_until, monkeypatch):
    class Traces:
        used, closed = [], False

        def use(self, endpoints):
            self.used.append(endpoints)

        def close(self, grace_s):
            Traces.closed = grace_s > 0

    monkeypatch.setattr(module, "open_spans", lambda *_: Traces())
    kit.adapt(traces_endpoint="http://127.0.0.1:9/v1/traces")
    one = running().start()
    wait_until(lambda: hasattr(one.recorder, "_tools"))
    one.recorder.use(kit.adapt(endpoints={"p": "https://p.example.org/v1"}))
    wait_until(lambda: Traces.used == [{"p": "https://p.example.org/v1"}])
    assert one.stop()
    assert Traces.closed


def test_a_collector_that_hangs_holds_up_no_record(kit, running, wait_until, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    with run_collector() as collector:
        collector.hold.clear()
        kit.adapt({"flush_interval_s": 0.1}, traces_endpoint=collector.endpoint)
        one = running().start()
        writer = kit.writer(segment_bytes=1)
        kit.write(writer, *pair(kit, 1))
        wait_until(lambda: collector.paths)
        kit.write(writer, *pair(kit, 2))
        wait_until(lambda: len(kit.stored()) == 4)
        wait_until(lambda: kit.counters[SHIPPED] == 4)
        collector.hold.set()
        wait_until(lambda: len(collector.spans) == 2)
        one.stop()
        assert {span.attributes["open_llm_proxy.request_id"] for span in collector.spans} == {"1", "2"}


def test_which_sink(tmp_path):
    assert open_sink(StoreSettings()) is None
    assert open_sink(StoreSettings(refused="why", folder="x")) is None
    assert isinstance(open_sink(StoreSettings(folder=str(tmp_path))), FolderSink)
    sink = open_sink(StoreSettings(url=f"file://{tmp_path}/logs", folder="x"))
    assert isinstance(sink, ObjectStoreSink)
    (tmp_path / "x").write_bytes(b"1\n")
    sink.put("2026-11-25/a.jsonl", tmp_path / "x")
    assert (tmp_path / "logs/2026-11-25/a.jsonl").read_bytes() == b"1\n"


def test_what_a_killed_recorder_left_unfinished_is_cleared(kit, running):
    (kit.spool / "parts").mkdir(parents=True)
    (kit.spool / "parts" / "old.part").write_bytes(b"half a li")
    assert running().once()
    assert kit.files() == []
