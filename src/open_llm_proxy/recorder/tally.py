"""Counts what is recorded: for ``/health``, and whether responses keep up with requests in each flush window."""

import time
from collections.abc import Callable

from open_llm_proxy.config.snapshot import LogSettings
from open_llm_proxy.recorder.progress import Progress
from open_llm_proxy.spool.frame import Header, RequestHeader
from open_llm_proxy.telemetry.scoreboard import (
    IMBALANCE_WINDOWS,
    RECORDED,
    UNREADABLE,
    WINDOW_REQUESTS,
    WINDOW_RESPONSES,
    WINDOWS_CHECKED,
)


class Tally:
    """One a recorder.

    ``RECORDED`` outlives a killed recorder, whose records are made again if they had not reached the outbox: those
    are kept in ``progress`` and taken off at the next start.
    """

    def __init__(
        self, counters: "memoryview[int]", progress: Progress, log: LogSettings, say: Callable[[str], None]
    ) -> None:
        self._counters = counters
        self._progress = progress
        self._say = say
        self.log = log
        self._unfinished = 0
        self._requests = self._responses = 0
        self._window_ends_s = time.monotonic() + log.flush_interval_s
        counters[RECORDED] -= min(counters[RECORDED], progress.unfinished)

    def frame(self, header: Header) -> None:
        """A record was made of the frame with this header."""
        self._counters[RECORDED] += 1
        self._unfinished += 1
        self._progress.set_unfinished(self._unfinished)
        if isinstance(header, RequestHeader):
            self._requests += 1
            return
        self._responses += 1
        if header.latency_us > self.log.slow_completion_s * 1e6:
            self._say(
                f"Slow completion: {header.latency_us / 1e6:.0f} s for {header.model} at {header.provider}"
                f" (request {header.request_id}, status {header.status})"
            )

    def ended(self, records: int) -> None:
        """Response records were made for calls whose worker died."""
        self._counters[RECORDED] += records
        self._unfinished += records
        self._progress.set_unfinished(self._unfinished)
        self._responses += records

    def unreadable(self) -> None:
        """No record could be made of something."""
        self._counters[UNREADABLE] += 1

    def finished(self, records: int) -> None:
        """So many of the records are in the outbox."""
        self._unfinished -= records
        self._progress.set_unfinished(self._unfinished)

    def tick(self) -> None:
        """At the end of a flush window: publish its balance, and say when responses lag."""
        now = time.monotonic()
        if now < self._window_ends_s:
            return
        self._window_ends_s = now + self.log.flush_interval_s
        requests, responses = self._requests, self._responses
        self._requests = self._responses = 0
        counters = self._counters
        counters[WINDOWS_CHECKED] += 1
        counters[WINDOW_REQUESTS], counters[WINDOW_RESPONSES] = requests, responses
        if requests >= self.log.ratio_min_requests and responses < requests * self.log.ratio_floor:
            counters[IMBALANCE_WINDOWS] += 1
            self._say(
                f"only {responses} responses for {requests} requests were recorded in the last"
                f" {self.log.flush_interval_s:.0f} s: slow providers, or response records are missing"
            )
