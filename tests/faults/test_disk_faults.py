"""The spool's disk: full, and mounted read-only. Calls are served on; what is lost is counted and said."""

import pytest
from tests.parts.disk import failing_disk, small_disk
from tests.parts.load import more_answers, run_load
from tests.parts.processes import wait_until
from tests.parts.proxy import provider
from tests.parts.service import run_service

pytestmark = pytest.mark.slow

DISK_BYTES = 24 << 20


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", DISK_BYTES) as mounted:
        yield mounted


@pytest.fixture
def service(upstream, store, disk, tmp_path):
    env = store.environment() | {"SPOOL_DIR": str(disk.path / "spool"), "LOG_USER_QUESTION_MAX": "0"}
    with run_service(tmp_path / "proxy", provider(upstream.endpoint), env=env) as made:
        made.spool = disk.path / "spool"
        yield made


def lost(service):
    return service.logging()["records"]["lost"]


def test_a_full_disk_loses_what_is_counted_and_nothing_else(service, store, disk):
    store.go_down()
    service.start()
    with run_load(service.port, clients=3) as load:
        wait_until(more_answers(load, 30), "answers while there is room")
        disk.fill()
        wait_until(lambda: lost(service) > 10, "records that are lost")
        wait_until(more_answers(load, 30), "answers while the disk is full")
        disk.empty()
        store.go_up()
        wait_until(lambda: store.taken, "chunk files, since there is room again")
        before = lost(service)
        wait_until(more_answers(load, 30), "answers since there is room again")
    assert not load.failures
    assert load.broken == 0
    wait_until(service.is_settled, "everything in the store")
    records = service.logging()["records"]
    assert service.stop() == 0
    assert records["accepted"] == 2 * len(load.whole) == records["spooled"] + records["lost"]
    assert records["spooled"] == len(store.records())
    assert records["lost"] >= before > 10
    lines = [line for line in service.stderr.splitlines() if "No space left" in line and "worker" in line]
    assert 1 <= len(lines) <= 3
    assert "calls are served on" in lines[0]


@pytest.mark.slow
def test_a_start_on_a_full_disk_serves_and_records_once_there_is_room(service, store, disk):
    service.start()
    assert service.stop() == 0
    disk.fill()
    service.start()
    with run_load(service.port, clients=2) as load:
        wait_until(lambda: lost(service) > 10, "records that are lost")
        disk.empty()
        wait_until(lambda: store.taken, "chunk files, since there is room", 60)
        wait_until(more_answers(load, 10), "answers")
    wait_until(service.is_settled, "everything in the store")
    records = service.logging()["records"]
    assert service.stop() == 0
    assert not load.failures
    assert records["accepted"] == 2 * len(load.whole) == records["spooled"] + records["lost"]
    assert records["spooled"] == len(store.records())


def test_a_spool_over_its_limit_leaves_bodies_out_then_records(service, store, disk):
    """The store is down for long: the disk is never filled to its last byte, as the recorder needs some to go on."""
    store.go_down()
    service.start()
    with run_load(service.port, clients=6, filling=200_000) as load:
        wait_until(lambda: "records are left out" in service.stderr, "a spool that is far over its limit", 60)
        wait_until(lambda: lost(service) > 0, "records that are lost")
        store.go_up()
        wait_until(lambda: store.taken, "chunk files", 60)
        wait_until(more_answers(load, 20), "answers")
    assert not load.failures
    wait_until(service.is_settled, "everything in the store", 60)
    records = service.logging()["records"]
    assert service.stop() == 0
    assert records["accepted"] == 2 * len(load.whole) == records["spooled"] + records["lost"]
    assert records["spooled"] == len(store.records())
    assert "bodies are left out" in service.stderr
    assert "that its disk has room for" in service.stderr


@pytest.mark.timeout(180)
def test_a_spool_that_turns_read_only_loses_what_is_counted_and_calls_are_served_on(upstream, store, tmp_path):
    with failing_disk(tmp_path / "disk", DISK_BYTES) as disk:
        env = store.environment() | {"SPOOL_DIR": str(disk.path / "spool")}
        with run_service(tmp_path / "proxy", provider(upstream.endpoint), env=env) as service:
            service.start()
            with run_load(service.port, clients=3) as load:
                wait_until(lambda: store.taken, "chunk files")
                disk.fail()
                wait_until(lambda: lost(service) > 10, "records that are lost")
                (recorder,) = service.children("recorder")
                service.kill(recorder)
                wait_until(more_answers(load, 30), "answers without a recorder")
                wait_until(lambda: "SIGKILL" in service.stderr, "the supervisor's word")
                wait_until(more_answers(load, 30), "answers")
            records = service.logging()["records"]
            assert service.stop() == 0
    assert not load.failures
    assert load.broken == 0
    assert records["accepted"] == 2 * len(load.whole) == records["spooled"] + records["lost"]
    assert records["spooled"] >= len(store.records()) > 0
    lines = [line for line in service.stderr.splitlines() if "Read-only file system" in line]
    assert any("records cannot be written to the spool and are lost" in line for line in lines)
    assert len(lines) < 20


def test_a_read_only_spool_is_refused_at_the_start(service, disk):
    service.start()
    assert service.stop() == 0
    disk.set_writable(writable=False)
    program = service.launch()
    assert program.process.wait(60) == 2
    (line,) = program.stderr.splitlines()
    assert "cannot be written: Read-only file system. Set SPOOL_DIR to a folder that can be" in line
    disk.set_writable(writable=True)
    service.start()
    assert service.stop() == 0
