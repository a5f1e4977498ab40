import os
import sys

import pytest

from open_llm_proxy.logs.spool_feed import SpoolFeed
from open_llm_proxy.records.build import Context
from open_llm_proxy.spool.directory import frames_root
from open_llm_proxy.spool.frame import RequestHeader, ResponseHeader
from open_llm_proxy.spool.writer import SpoolWriter
from open_llm_proxy.telemetry.scoreboard import SLOT_COUNTERS

NOON_NS = 1_795_608_000 * 10**9
SECRET = "sk-a-secret-of-the-proxy"
BODY = b'{"model":"m","messages":[{"role":"user","content":"q %s"}]}' % SECRET.encode()


class Spool:
    """A spool with one writer, and a feed over it."""

    def __init__(self, folder):
        self.folder = folder
        self.said = []
        self.feed = SpoolFeed(folder, Context(secrets=(SECRET,)), self.said.append)
        self.writer = SpoolWriter(
            folder, worker=1, host="host-a", version="9", segment_bytes=1 << 26, spool_bytes=1 << 30, flush_interval_s=300,
            counters=memoryview(bytearray(SLOT_COUNTERS * 8)).cast("Q"), open_calls=list, on_problem=self.said.append,
            clock_ns=lambda: NOON_NS,
        )  # fmt: skip

    def write(self, *numbers, at_ns=NOON_NS):
        for number in numbers:
            common = (f"{number:032x}", at_ns, "/v1/chat/completions", "p", "m", "default")
            self.writer.append(RequestHeader(*common, total_bytes=len(BODY)), (BODY,), len(BODY))
            self.writer.append(ResponseHeader(*common, status=200), (), 0)
        self.writer.commit()

    def polled(self):
        return [(record["type"], int(record["request_id"], 16)) for record in self.feed.poll()]


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool")
    yield spool
    spool.feed.close()
    spool.writer.close()


def both(*numbers):
    return [(kind, number) for number in numbers for kind in ("request", "response")]


def test_history_then_what_is_new(spool):
    spool.write(1, 2)
    records = [record for batch in spool.feed.history() for record in batch.load()]
    assert [(one["type"], int(one["request_id"], 16)) for one in records] == both(1, 2)
    assert spool.polled() == []
    spool.write(3)
    assert spool.polled() == both(3)
    assert spool.polled() == []


def test_what_is_shown_is_scrubbed_as_records_are(spool):
    spool.write(1)
    request, response = spool.feed.poll()
    assert request["user_question"] == "q [REDACTED]"
    assert (request["host"], request["proxy_version"]) == ("host-a", "9")
    assert "messages" not in request
    assert response["status"] == 200


def test_a_segment_that_is_closed_and_made_a_chunk_file_of_is_read_to_its_end(spool):
    spool.write(1)
    assert spool.polled() == both(1)
    spool.write(2)
    [segment] = frames_root(spool.folder).glob("*/*.open")
    segment.unlink()
    assert spool.polled() == both(2)
    assert spool.polled() == []


def test_a_segment_is_not_read_again_when_it_is_renamed(spool):
    spool.write(1)
    assert spool.polled() == both(1)
    [segment] = frames_root(spool.folder).glob("*/*.open")
    segment.rename(segment.with_name(segment.name.replace(".open", ".12-00-01.closed")))
    assert spool.polled() == []


def test_nothing_is_changed_in_the_spool(spool):
    spool.write(1)
    before = sorted((path, path.stat().st_mtime_ns) for path in spool.folder.rglob("*"))
    list(spool.feed.history())
    list(spool.feed.poll())
    assert sorted((path, path.stat().st_mtime_ns) for path in spool.folder.rglob("*")) == before


def test_a_damaged_segment_stops_nothing(spool):
    spool.write(1)
    [segment] = frames_root(spool.folder).glob("*/*.open")
    data = bytearray(segment.read_bytes())
    data[-3] ^= 0xFF
    (segment.parent / "00000009.2026-11-25.12-00-00.closed").write_bytes(bytes(data[:40]))
    (segment.parent / "00000008.2026-11-25.12-00-00.closed").write_bytes(b"OLPS\xff\0\0\0" + bytes(8))
    assert both(1)[0] in spool.polled()


def test_a_spool_that_is_not_there_has_nothing(tmp_path):
    feed = SpoolFeed(tmp_path / "none", Context())
    assert list(feed.history()) == list(feed.poll()) == []


@pytest.mark.skipif(os.geteuid() == 0 or sys.platform == "win32", reason="root may read all")
def test_a_spool_of_somebody_else_is_said_once(spool, tmp_path):
    spool.folder.chmod(0)
    said = []
    feed = SpoolFeed(spool.folder, Context(), said.append)
    list(feed.poll())
    spool.folder.chmod(0o700)
    assert len(said) == 1


def test_what_may_not_be_read_is_said_once(spool, monkeypatch):
    spool.write(1)

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("open_llm_proxy.logs.spool_feed.SegmentReader", refuse)
    assert spool.polled() == spool.polled() == []
    assert len(spool.said) == 1
    assert "can't be read: Permission denied" in spool.said[0]
