"""Appends frames: one ``writev`` a turn, whole frames only; rolls segments by time, size and UTC day.

On the proxy's hot path, so a frame costs little; and nothing here raises into serving: a frame that cannot be written
is counted lost, and said.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import perf_counter_ns
from typing import Final

from open_llm_proxy.spool.directory import WriterDirectory
from open_llm_proxy.spool.frame import (
    MAX_HEADER_BYTES,
    Buffer,
    Header,
    RequestHeader,
    encode_head,
    tame,
    without_body,
)
from open_llm_proxy.spool.room import Room, Step
from open_llm_proxy.spool.segment import NS_PER_DAY, OpenSegment, SegmentHeader, encode_segment_header, write_all
from open_llm_proxy.telemetry.scoreboard import (
    ACCEPTED,
    BODIES_DROPPED,
    LOST,
    SPOOL_BYTES,
    SPOOL_ERRORS,
    SPOOL_WRITE_NS,
    SPOOL_WRITES,
    SPOOLED,
)

SAY_AGAIN_S: Final = 30
RETRY_S: Final = 1.0


class SpoolWriter:
    """One a worker. ``append`` joins the turn's frames, ``commit`` writes them, ``tick`` comes once a second.

    Args:
        root: The spool folder.
        worker: The worker's slot.
        host: This machine's name.
        version: The proxy's version.
        segment_bytes: A segment is closed at this size; on a small disk earlier.
        spool_bytes: The limit of the whole spool, all workers together.
        flush_interval_s: A segment is closed this long after its first frame.
        counters: The worker's slot of the scoreboard.
        open_calls: The calls whose request was appended and whose response was not; asked when a segment begins.
        on_problem: Told of each problem once, then at intervals.
        clock_ns: Unix time in nanoseconds.
    """

    def __init__(
        self,
        root: Path,
        *,
        worker: int,
        host: str,
        version: str,
        segment_bytes: int,
        spool_bytes: int,
        flush_interval_s: float,
        counters: "memoryview[int]",
        open_calls: Callable[[], Iterable[RequestHeader]],
        on_problem: Callable[[str], None],
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._root = root
        self._worker, self._host, self._version = worker, host, version
        self._flush_interval_s = flush_interval_s
        self._counters = counters
        self._list_open_calls = open_calls
        self._on_problem = on_problem
        self._clock_ns = clock_ns
        self._started_ns = clock_ns()
        self._room = Room(root, spool_bytes, on_problem, segment_bytes=segment_bytes)
        self._directory: WriterDirectory | None = None
        self._segment: OpenSegment | None = None
        self._unended: list[OpenSegment] = []
        self._number = 0
        self._written_since_look = False
        self._failures = 0
        self._wait_until_s = self._roll_after_s = 0.0
        self._say_again_s: dict[str, float] = {}
        self._day_begins_ns = self._day_ends_ns = 0
        self._buffers: list[Buffer] = []
        self._ends: list[int] = []  # of each frame, in bytes from the first of the turn
        self._bytes = 0
        self._taken = 0  # of those, already taken from the room

    # --- the hot path --------------------------------------------------------------------------------------------

    def append(self, header: Header, body: Sequence[Buffer], body_bytes: int) -> None:
        """Join a frame to the turn's. The pieces of ``body``, ``body_bytes`` together, are written as they are."""
        try:
            head = encode_head(header, body_bytes)
        except Exception as error:  # noqa: BLE001 - a lone surrogate, an odd type: whatever it is, serving goes on
            head = self._encode_tamed(header, body_bytes, error)
        size = len(head)
        end = self._bytes + size + body_bytes
        room = self._room
        if (
            end <= room.left
            and not room.step
            and self._day_begins_ns <= header.at_ns < self._day_ends_ns
            and 0 < size <= MAX_HEADER_BYTES
        ):
            self._bytes = end
            self._ends.append(end)
            self._buffers.append(head)
            if body:
                self._buffers += body
        else:
            self._append_carefully(header, head, body, body_bytes)

    def _append_carefully(self, header: Header, head: bytes, body: Sequence[Buffer], body_bytes: int) -> None:
        """As ``append``, for the first frame of a day, one that is too large, or where there is little room."""
        if not self._day_begins_ns <= header.at_ns < self._day_ends_ns:
            self._begin_day(header.at_ns)
        self.commit()  # takes its room, so that what is left can be told
        head, body = self._squeeze(header, head, body, body_bytes)
        if not head:
            self._counters[ACCEPTED] += 1
            self._counters[LOST] += 1
            return
        self._buffers = [head, *body]
        self._bytes = self._taken = len(head) + (body_bytes if body else 0)
        self._ends.append(self._bytes)

    def commit(self) -> None:
        """Write the turn's frames: on return they are with the kernel, or counted lost. Never raises."""
        ends = self._ends
        if not ends:
            return
        buffers, size = self._buffers, self._bytes
        self._buffers, self._ends, self._bytes = [], [], 0
        self._room.left -= size - self._taken
        self._taken = 0
        counters = self._counters
        frames = len(ends)
        counters[ACCEPTED] += frames
        if self._wait_until_s and time.monotonic() < self._wait_until_s:
            counters[LOST] += frames
            return
        segment = self._segment
        if segment is None or segment.day_begins_ns != self._day_begins_ns:
            segment = self._begin(self._day_begins_ns)
            if segment is None:
                counters[LOST] += frames
                self._hold_off()
                return
        begun_ns = perf_counter_ns()
        try:
            write_all(segment.fd, buffers, size)
            if segment is not self._segment:
                segment.publish()
        except Exception as error:  # noqa: BLE001 - OSError; or a body that is no buffer: serving goes on
            self._keep_whole(segment, ends, error)
            return
        counters[SPOOL_WRITE_NS] += perf_counter_ns() - begun_ns
        counters[SPOOL_WRITES] += 1
        counters[SPOOLED] += frames
        self._written_since_look = True
        if self._failures:
            self._failures, self._wait_until_s = 0, 0.0
        if not segment.frames:
            self._start(segment)
        segment.frames += frames
        segment.size += size
        counters[SPOOL_BYTES] += size
        if segment.size >= self._room.segment_bytes:
            self._roll(segment)

    # --- what is rare --------------------------------------------------------------------------------------------

    def _encode_tamed(self, header: Header, body_bytes: int, error: Exception) -> bytes:
        """The frame's head with texts that can be encoded; empty, said: there is none."""
        try:
            return encode_head(tame(header), body_bytes)
        except Exception:  # noqa: BLE001 - as in append
            self._say("encode", f"a record cannot be written to the spool and is lost: {error!r}")
            return b""

    def _squeeze(
        self, header: Header, head: bytes, body: Sequence[Buffer], body_bytes: int
    ) -> tuple[bytes, Sequence[Buffer]]:
        """What of a frame is to be written when it is too large or there is little room; no head: nothing."""
        if len(head) > MAX_HEADER_BYTES:
            head = self._encode_tamed(header, body_bytes, ValueError("its header is too long"))
        if not head:
            return head, ()
        step = self._room.take(len(head) + body_bytes, len(head))
        if step is Step.FRAMES:
            return b"", ()
        if step is Step.BODIES and body_bytes:
            self._counters[BODIES_DROPPED] += 1
            return without_body(head), ()
        return head, body

    def _begin_day(self, at_ns: int) -> None:
        """The next frame is of another UTC day than those before: those are written now, it goes elsewhere."""
        self.commit()
        self._day_begins_ns = at_ns - at_ns % NS_PER_DAY
        self._day_ends_ns = self._day_begins_ns + NS_PER_DAY

    def _start(self, segment: OpenSegment) -> None:
        """The segment has its first frames; if it is new, the one before it can go."""
        segment.first_frame_s = time.monotonic()
        if segment is not self._segment:
            self._succeed(segment)

    def _begin(self, at_ns: int) -> OpenSegment | None:
        """A new segment for the day of ``at_ns``, with the calls that are open now; None, said: there can be none."""
        try:
            if self._directory is None:
                self._directory = WriterDirectory(self._root)
            self._number += 1
            segment = OpenSegment(self._directory.path, self._number, at_ns, self._encode_header(self._directory.name))
        except Exception as error:  # noqa: BLE001 - OSError; a header of the proxy's that is none: serving goes on
            self._note("begin", "no spool segment can be begun", error)
            return None
        self._counters[SPOOL_BYTES] += segment.size
        return segment

    def _encode_header(self, directory: str) -> bytes:
        header = SegmentHeader(
            self._host,
            os.getpid(),
            self._worker,
            self._version,
            self._started_ns,
            self._clock_ns(),
            directory,
            self._number,
            self._open_calls(),
        )
        try:
            return encode_segment_header(header)
        except UnicodeEncodeError:
            header.open_calls = [tame(call) for call in header.open_calls]
            return encode_segment_header(header)

    def _open_calls(self) -> list[RequestHeader]:
        try:
            return list(self._list_open_calls())
        except Exception as error:  # noqa: BLE001 - somebody else's function, on our hot path
            self._say("open calls", f"the open calls cannot be listed: {error!r}")
            return []

    def _succeed(self, segment: OpenSegment | None) -> None:
        """Put a segment (None: the next one will do) in the current one's place, and end that."""
        former, self._segment = self._segment, segment
        if former is not None:
            self._unended.append(former)
            self._end_all()

    def _end_all(self) -> None:
        """Close segments that are done with; one without a frame is taken away. What fails is tried again."""
        failed: list[OpenSegment] = []
        for segment in self._unended:
            try:
                segment.end(self._clock_ns())
            except OSError as error:
                failed.append(segment)
                self._note("end", f"the spool segment {segment.name} cannot be closed", error)
        self._unended = failed

    def _roll(self, segment: OpenSegment) -> None:
        """Close the current segment. Calls that are open stand in the next one before this one is given away.

        Where there can be no next one, this one stays, unless it is spoilt; it is tried again later.
        """
        successor = None
        if self._open_calls():
            if time.monotonic() < self._roll_after_s:
                return
            successor = self._begin_published()
            if successor is None and not segment.torn:
                self._roll_after_s = time.monotonic() + RETRY_S
                return
        self._succeed(successor)

    def _begin_published(self) -> OpenSegment | None:
        segment = self._begin(self._clock_ns())
        if segment is not None:
            try:
                segment.publish()
            except OSError as error:
                segment.abandon()
                self._note("begin", "no spool segment can be begun", error)
                return None
        return segment

    def _keep_whole(self, segment: OpenSegment, ends: list[int], error: Exception) -> None:
        """After an error: cut the segment behind its last whole frame, count the others lost, begin a new one."""
        kept = 0
        if segment is self._segment:
            kept = segment.keep_whole(ends)
            self._counters[SPOOLED] += kept
        else:
            segment.abandon()
        self._counters[LOST] += len(ends) - kept
        self._note("write", "records cannot be written to the spool and are lost", error)
        self._hold_off()
        if segment is self._segment and (segment.frames or segment.torn):
            self._roll(segment)

    def _hold_off(self) -> None:
        """One failure may be chance; but a disk that stays full is not asked at each turn."""
        self._failures += 1
        if self._failures > 1:
            self._wait_until_s = time.monotonic() + RETRY_S

    def _note(self, kind: str, what: str, error: Exception) -> None:
        self._counters[SPOOL_ERRORS] += 1
        self._say(kind, f"{what}: {error}; {self._counters[LOST]} lost so far; calls are served on")

    def _say(self, kind: str, message: str) -> None:
        now = time.monotonic()
        if now >= self._say_again_s.get(kind, 0):
            self._say_again_s[kind] = now + SAY_AGAIN_S
            self._on_problem(message)

    # --- each second, and at the end -----------------------------------------------------------------------------

    def tick(self) -> None:
        """Close the segment when it is due; look at the spool's size where it has changed. Never raises."""
        self.commit()
        segment = self._segment
        if segment is not None and self._is_due(segment):
            self._roll(segment)
        if self._unended:
            self._end_all()
        if self._written_since_look or self._room.step:
            self._written_since_look = False
            self._room.look()
            if self._directory is not None:
                self._counters[SPOOL_BYTES] = self._room.sizes.get(self._directory.name, 0)

    def _is_due(self, segment: OpenSegment) -> bool:
        if not segment.frames:  # it stands for open calls; without any it goes
            return not self._open_calls()
        return (
            segment.size >= self._room.segment_bytes
            or time.monotonic() - segment.first_frame_s >= self._flush_interval_s
            or not 0 <= self._clock_ns() - segment.day_begins_ns < NS_PER_DAY
        )

    def close(self) -> None:
        """Write what is there, close the segment, leave the directory to the recorder. Never raises."""
        self.commit()
        if self._segment is not None and not self._segment.frames and self._open_calls():
            self._segment.leave()
            self._segment = None
        self._succeed(None)
        if self._directory is not None:
            self._directory.release()
            self._directory = None
