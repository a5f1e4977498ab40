"""Segments that a crash has torn and a disk has spoilt: those frames are set aside and said, the rest is shipped."""

import pytest
from tests.parts.http_client import ask, call
from tests.parts.load import answer_with_question
from tests.parts.model_upstream import run_upstream
from tests.parts.processes import wait_until
from tests.parts.proxy import provider
from tests.parts.reckoning import reckon
from tests.parts.service import run_service

from open_llm_proxy.spool.frame import RequestHeader
from open_llm_proxy.spool.reader import SegmentReader, Whole

CALLS = 6


@pytest.fixture
def service(tmp_path, s3_server):
    """Killed, with the frames of its calls in one segment; ``bucket`` is still empty."""
    bucket = s3_server.bucket()
    env = bucket.environment() | {"FLUSH_INTERVAL": "300"}
    with run_upstream() as upstream, run_service(tmp_path, provider(upstream.endpoint), env=env) as made:
        upstream.ordinarily = answer_with_question
        made.bucket = bucket
        made.start()
        for number in range(CALLS):
            assert call(made, ask(f"question {number} with {made.key}")).status == 200
        made.kill_everything()
        (made.segment,) = made.spool.glob("frames/*/*.open")
        yield made


def frames(segment):
    """``(kind, call's number)`` and place of each frame."""
    reader = SegmentReader(segment)
    items = [item for item in iter_items(reader) if isinstance(item, Whole)]
    reader.close()
    ids = list(dict.fromkeys(item.frame.header.request_id for item in items))
    kinds = [
        (
            "request" if isinstance(item.frame.header, RequestHeader) else "response",
            ids.index(item.frame.header.request_id),
        )
        for item in items
    ]
    return ids, dict(zip(kinds, items, strict=True))


def iter_items(reader):
    while not reader.ended:
        yield from reader.read(final=True)


def spoil(segment, offset, data=b"\xff" * 8):
    with segment.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def ship(service):
    """What the next start brings into the bucket."""
    service.start()
    wait_until(service.is_settled, "everything in the bucket")
    unreadable = service.logging()["records"]["unreadable"]
    assert service.stop() == 0
    records = service.bucket.records()
    return records, unreadable, [key for key in service.bucket.list_keys() if key.startswith("unreadable/")]


def test_a_torn_segment(service):
    ids, places = frames(service.segment)
    last = places["response", CALLS - 1]
    with service.segment.open("r+b") as file:
        file.truncate(last.end - 5)
    records, unreadable, kept = ship(service)
    assert reckon([], records) == {"None": CALLS - 1, "worker ended": 1}
    assert [record["request_id"] for record in records if record.get("error") == "worker ended"] == [ids[-1]]
    assert (unreadable, kept) == (0, [])
    assert f"its {last.end - 5 - last.offset} bytes are left out" in service.stderr


def test_a_spoilt_segment(service):
    ids, places = frames(service.segment)
    spoil(service.segment, places["response", 1].offset + 20)  # in a header
    spoil(service.segment, places["request", 3].offset)  # a frame's first bytes
    spoil(service.segment, 0)  # the segment's own header
    records, unreadable, kept = ship(service)
    by_id = {request_id: {} for request_id in ids}
    for record in records:
        by_id[record["request_id"]][record["type"]] = record
    assert [sorted(by_id[request_id]) for request_id in ids] == [
        ["response"] if number == 3 else ["request", "response"] for number in range(CALLS)
    ]
    assert by_id[ids[1]]["response"]["error"] == "worker ended"
    assert unreadable == len(kept) == 3
    assert "is set aside as unreadable/" in service.stderr
    texts = b"".join(map(service.bucket.read, kept))
    assert b"question 3 with [REDACTED]" in texts
    assert service.key.encode() not in texts


def test_a_segment_that_is_none(service):
    service.segment.write_bytes(b"nothing of ours\n" * 100)
    records, unreadable, kept = ship(service)
    assert records == []
    assert unreadable == len(kept) == 1
    assert f"is set aside as {kept[0]}" in service.stderr
    assert b"nothing of ours" in service.bucket.read(kept[0])
