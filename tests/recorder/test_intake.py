import errno
import json
import os

import pytest

from open_llm_proxy.recorder import intake as module
from open_llm_proxy.recorder.outbox import Outbox
from open_llm_proxy.recorder.progress import DEADLY, HOPELESS
from open_llm_proxy.recorder.rendering import Renderer
from open_llm_proxy.spool.reader import Damage
from open_llm_proxy.telemetry.scoreboard import RECORDED, UNREADABLE


@pytest.fixture
def bench(intake_bench):
    return intake_bench


@pytest.fixture
def written(kit):
    writer = kit.writer()
    kit.write(writer, kit.request(1), kit.response(1))
    return writer


def test_frames_are_on_stdout_at_once_and_in_the_outbox_when_the_segment_is_closed(kit, bench, written):
    one = bench()
    assert one.work()
    assert not one.work()
    assert one.stdout.ids() == [("request", "1"), ("response", "1")]
    assert one.shipped() == []
    assert one.intake.oldest_ns == kit.NOON_NS
    written.close()
    one.work()
    assert one.shipped() == one.stdout.ids()
    assert kit.files("frames/**/*") == []
    assert kit.counters[RECORDED] == 2
    one.work()
    assert one.intake.gone


def test_a_closed_segment_waits_for_others_until_the_interval_is_over(kit, bench):
    kit.now_ns = 2**62  # opened just now, by any clock
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, kit.request(1))
    one = bench()
    one.work()
    kit.write(writer, kit.request(2))
    one.work()
    assert one.shipped() == []
    kit.adapt({"flush_interval_s": 0})
    one.work()
    assert one.shipped() == [("request", "1"), ("request", "2")]
    assert len(kit.files("outbox/**/*")) == 1


def test_under_load_a_chunk_file_is_done_when_the_next_segment_is_begun(kit, bench):
    """A slice of time that ends with frames left, each time: the moment with nothing to read never comes."""
    kit.now_ns = 10**18  # opened long ago
    kit.open_calls = [kit.request(1)]
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, kit.request(1))
    writer._room.segment_bytes = 1 << 20
    kit.write(writer, kit.request(2))
    one = bench()
    one.intake.work(0)
    assert one.shipped() == []  # were more segments closed, they would go into the same file
    one.intake.work(0)
    assert one.shipped() == [("request", "1")]
    assert one.stdout.ids() == [("request", "1"), ("request", "2")]


def test_under_load_a_chunk_file_does_not_wait_for_longer_than_the_interval(kit, bench):
    kit.now_ns = 2**62
    kit.adapt({"flush_interval_s": 0})
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, kit.request(1))
    kit.write(writer, kit.request(2))
    one = bench()
    one.intake.work(0)
    assert one.shipped() == [("request", "1")]


def test_a_full_chunk_file_does_not_wait_for_the_interval(kit, bench):
    kit.now_ns = 2**62
    kit.adapt(chunk_bytes=4000)
    writer = kit.writer(segment_bytes=1)
    for number in range(10):
        kit.write(writer, kit.request(number))
    one = bench()
    one.work()
    sizes = [path.stat().st_size for path in sorted(kit.spool.glob("outbox/*/*.jsonl"))]
    assert len(sizes) >= 2
    assert all(2000 <= size <= 4000 for size in sizes)


def test_a_run_of_closed_segments_makes_one_file_a_day(kit, bench):
    midnight = kit.NOON_NS + kit.DAY_NS // 2
    writer = kit.writer()
    for number, at_ns in enumerate([midnight - 2, midnight, midnight - 1, midnight + 1]):
        kit.write(writer, kit.request(number, at_ns))
    writer.close()
    one = bench()
    one.work()
    assert [name.split("-host-a-")[0] for name in kit.files("outbox/**/*")] == [
        "outbox/2026-11-25/12-00-00",
        "outbox/2026-11-26/00-00-00",
    ]
    assert [number for kind, number in one.shipped() if kind == "request"] == ["0", "2", "1", "3"]


def test_calls_of_a_dead_worker_get_their_response(kit, bench):
    kit.open_calls = [kit.request("earlier")]
    writer = kit.writer()
    kit.write(writer, kit.request(1), kit.request(2), kit.response(1))
    one = bench()
    one.work()
    assert ("response", "2") not in one.stdout.ids()
    kit.die(writer)
    one.work()
    assert sorted(one.shipped()) == sorted(
        [("request", "1"), ("request", "2"), ("response", "1"), ("response", "2"), ("response", "earlier")]
    )
    records = [json.loads(line) for line in one.stdout.lines]
    assert {record["request_id"] for record in records if record.get("error") == "worker ended"} == {"2", "earlier"}
    assert kit.counters[RECORDED] == 5
    one.work()
    assert one.intake.gone


def test_an_ended_call_is_recorded_within_its_segments_day(kit, bench):
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    kit.die(writer)
    one = bench()
    one.work()
    assert [name.split("/")[1] for name in kit.files("outbox/**/*")] == ["2026-11-25"]
    assert {json.loads(line)["timestamp"][:10] for line in one.stdout.lines} == {"2026-11-25"}


# --- observers -------------------------------------------------------------------------------------------------------


def test_observers_are_told_of_answers_in_order_and_once(kit, bench, written, monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 0)
    kit.write(written, kit.request(2), kit.response(2, status=500, provider_status=500))
    written.close()
    one = bench()
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "add", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        one.work()
    one.work()
    told = one.watching.told
    assert [(number, request_id, error is None) for number, _, request_id, error in told] == [
        (1, "1", True),
        (1, "2", False),
    ]
    assert 0 < told[0][1] < told[1][1]


def test_observers_are_told_of_calls_whose_worker_died(kit, bench):
    writer = kit.writer()
    kit.write(writer, kit.request(1), kit.request(2))
    kit.die(writer)
    one = bench()
    one.work()
    told = one.watching.told
    assert [(request_id, error) for *_, request_id, error in told] == [("1", "worker ended"), ("2", "worker ended")]
    assert told[0][:2] < told[1][:2]


def test_an_observer_that_fails_costs_no_record(kit, bench, written):
    one = bench()
    one.watching.fault = ValueError("a span too many")
    written.close()
    one.work()
    assert one.shipped() == [("request", "1"), ("response", "1")]
    assert any("a span too many" in said for said in one.said)
    assert one.unreadable() == []


# --- killed and started again ----------------------------------------------------------------------------------------


def test_a_part_is_made_again(kit, bench, written):
    first = bench()
    first.work()
    first.killed()
    assert kit.counters[RECORDED] == 2
    second = bench()
    second.work()
    written.close()
    second.work()
    assert second.shipped() == [("request", "1"), ("response", "1")]
    assert kit.counters[RECORDED] == 2


def test_killed_after_the_chunk_file_is_in_before_its_segments_are_deleted(kit, bench, written, monkeypatch):
    written.close()
    first = bench()
    with monkeypatch.context() as patch:
        patch.setattr(type(kit.spool), "unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            first.work()
    first.killed()
    assert len(kit.files("frames/**/*")) == 1
    second = bench()
    assert second.outbox.next_ready() is None
    second.work()
    assert kit.files("frames/**/*") == []
    assert second.outbox.next_ready() is not None
    assert second.stdout.lines == []
    assert second.shipped() == [("request", "1"), ("response", "1")]


def test_a_frame_that_kills_the_recorder_is_set_aside_the_third_time(kit, bench, written, monkeypatch):
    written.close()

    def die(self, frame, *_):
        if isinstance(frame.header, type(kit.response(1))):
            raise KeyboardInterrupt  # as good as a kill: nothing catches it
        return real(self, frame, *_)

    real = Renderer.render
    monkeypatch.setattr(Renderer, "render", die)
    for _ in range(DEADLY):
        one = bench()
        with pytest.raises(KeyboardInterrupt):
            one.work()
        one.killed()
    one = bench()
    one.work()
    assert one.shipped() == [("request", "1")]
    (text,) = one.unreadable()
    assert b"died 3 times" in text
    assert b"answer" in text
    assert kit.counters[UNREADABLE] == 1


def test_a_frame_whose_text_kills_it_too_is_set_aside_without(kit, bench, written):
    written.close()
    one = bench()
    place = next(one.intake.follower.poll())[1][1].offset
    one.intake.discard()
    for _ in range(HOPELESS):
        one.progress.begin(one.intake.follower.name.encode(), 1, place)
        one.killed()
        one = bench()
    one.work()
    (text,) = one.unreadable()
    assert b"died 5 times" in text
    assert b"answer" not in text


def test_damage_that_kills_it_is_set_aside_without_being_looked_at(kit, bench, written):
    os.write(written._segment.fd, b"\x00spoilt")
    kit.write(written, kit.request(2))
    written.close()
    one = bench()
    items = [item for _, items in one.intake.follower.poll() for item in items]
    (damage,) = [item for item in items if isinstance(item, Damage)]
    one.intake.discard()
    for _ in range(HOPELESS):
        one.progress.begin(one.intake.follower.name.encode(), 1, damage.offset)
        one.killed()
        one = bench()
    one.work()
    assert one.shipped() == [("request", "1"), ("response", "1"), ("request", "2"), ("response", "2")]
    (text,) = one.unreadable()
    assert b"bytes %d to %d" % (damage.offset, damage.end) in text
    assert b"spoilt" not in text
    assert kit.counters[UNREADABLE] == 1


def test_what_is_in_the_outbox_is_not_recorded_again_and_its_calls_are_known(kit, bench):
    """A chunk file that was full ended within the segment; then the recorder was killed, and the worker."""
    writer = kit.writer()
    kit.write(writer, kit.request(1), kit.request(2), kit.response(1), kit.request(3))
    kit.die(writer)
    one = bench()
    places = [item.end for _, items in one.intake.follower.poll() for item in items]
    one.intake.discard()
    one.outbox.covered = lambda *_: places[1]
    one.intake.follower._covered = one.outbox.covered
    one.work()
    assert one.shipped() == [("response", "1"), ("request", "3"), ("response", "2"), ("response", "3")]
    assert one.stdout.ids() == one.shipped()


# --- what is no record -----------------------------------------------------------------------------------------------


def test_a_frame_of_which_no_record_can_be_made_does_not_stop_the_others(kit, bench, written, monkeypatch):
    written.close()

    def fail(self, frame, *_):
        if isinstance(frame.header, type(kit.request(1))):
            raise RecursionError("too deep, known-secret-key")
        return real(self, frame, *_)

    real = Renderer.render
    monkeypatch.setattr(Renderer, "render", fail)
    one = bench()
    one.work()
    assert one.shipped() == [("response", "1")]
    (text,) = one.unreadable()
    assert b"RecursionError" in text
    assert b"question" in text
    assert b"known-secret-key" not in text
    assert kit.counters[UNREADABLE] == 1
    assert any("set aside as unreadable/2026-11-25/" in said for said in one.said)


def test_corrupt_bytes_are_set_aside_and_the_rest_is_recorded(kit, bench, written):
    os.write(written._segment.fd, b"\x00spoilt password=Secr3tSecr3t")
    kit.write(written, kit.request(2), kit.response(2))
    written.close()
    one = bench()
    one.work()
    assert one.shipped() == [("request", "1"), ("response", "1"), ("request", "2"), ("response", "2")]
    (text,) = one.unreadable()
    assert b"spoilt" in text
    assert b"Secr3tSecr3t" not in text


def test_a_torn_frame_is_said_and_left_out(kit, bench, written):
    os.write(written._segment.fd, b"OLPF\x10")
    kit.die(written)
    one = bench()
    one.work()
    assert one.shipped() == [("request", "1"), ("response", "1")]
    assert one.unreadable() == []
    assert any("its 5 bytes are left out" in said for said in one.said)


# --- the disk --------------------------------------------------------------------------------------------------------


def test_a_full_disk_sets_the_directory_back_and_nothing_is_told_twice(kit, bench, written, monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 0)
    written.close()
    one = bench()

    def fail(self, *_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "add", fail)
        assert not one.work()
    assert kit.files("parts/*") == []
    assert any("No space left" in said for said in one.said)
    one.work()
    assert one.shipped() == [("request", "1"), ("response", "1")]
    assert one.stdout.ids() == [("request", "1"), ("response", "1")]
    assert kit.counters[RECORDED] == 2


def test_after_a_full_disk_nothing_that_is_no_record_is_told_twice(kit, bench, written, monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 0)
    os.write(written._segment.fd, b"\x00spoilt")
    kit.write(written, kit.request(2), kit.request(3))
    os.write(written._segment.fd, b"OLPF\x10")
    kit.die(written)
    one = bench()
    real = Outbox.add

    def fail_at_the_end(self, key, *rest):
        if not key.startswith("unreadable/"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, key, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "add", fail_at_the_end)
        one.work()
    one.work()
    ids = [
        ("request", "1"),
        ("response", "1"),
        ("request", "2"),
        ("request", "3"),
        ("response", "2"),
        ("response", "3"),
    ]
    assert one.shipped() == ids
    assert one.stdout.ids() == ids
    assert [sum(text in said for said in one.said) for text in ("set aside", "left out", "No space")] == [1, 1, 1]
    assert (kit.counters[RECORDED], kit.counters[UNREADABLE]) == (6, 1)
    assert len(one.watching.told) == 3


def test_after_an_error_it_waits(kit, bench, written, monkeypatch):
    written.close()
    one = bench()
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "add", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "x")))
        one.work()
    assert not one.work()
    assert one.shipped() == []


# --- stdout alone ----------------------------------------------------------------------------------------------------


def test_where_stdout_is_the_only_sink_segments_go_once_their_lines_are_out(kit, bench, written):
    one = bench(only_stdout=True)
    one.stdout.blocked = True
    one.work()
    written.close()
    one.work()
    assert kit.files("frames/**/*") != []
    one.stdout.blocked = False
    one.work()
    one.work()
    assert one.stdout.ids() == [("request", "1"), ("response", "1")]
    assert kit.files() == []


def test_a_blocked_stdout_keeps_the_rest_in_the_spool_where_it_is_the_only_sink(kit, bench):
    writer = kit.writer(segment_bytes=1)
    for number in range(5):
        kit.write(writer, kit.request(number))
    one = bench(only_stdout=True)
    one.stdout.blocked = True
    one.work()
    assert one.stdout.ids() == [("request", "0")]


def test_at_the_end_too_segments_stay_whose_lines_are_not_out(kit, bench, written):
    one = bench(only_stdout=True)
    written.close()
    one.stdout.blocked = True
    one.work()
    one.intake.finish_all()
    assert len(kit.files("frames/**/*")) == 1
    one.stdout.blocked = False
    one.intake.finish_all()
    assert kit.files("frames/**/*") == []


def test_finish_all_closes_what_has_been_read(kit, bench):
    kit.now_ns = 2**62
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, kit.request(1))
    one = bench()
    one.work()
    assert one.shipped() == []
    one.intake.finish_all()
    assert one.shipped() == [("request", "1")]


def test_what_could_not_be_finished_before_its_time_is_said_and_read_again(kit, bench, monkeypatch):
    kit.now_ns = 2**62
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, kit.request(1))
    one = bench()
    one.work()
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "add", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        one.intake.finish_all()
    assert one.shipped() == []
    assert any("cannot be finished: [Errno 28] full" in said for said in one.said)
    one.work()
    one.intake.finish_all()
    assert one.shipped() == [("request", "1")]
    assert one.stdout.ids() == [("request", "1")]
