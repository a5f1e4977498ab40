"""Calls in numbers, by provider, model and key name: rows in shared memory that the recorder alone writes.

The memory lies behind the scoreboard's slots, so it outlives a killed recorder: its successor counts on. Frames that
it reads again are counted once, since the ledger remembers, for each directory of the spool, up to which place its
frames are counted.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, NamedTuple

ROWS: Final = 512
"""Labels beyond these share the last row, ``other`` in all three."""
OTHER: Final = "other"
STATUSES: Final = ("2xx", "3xx", "4xx", "5xx", "none")
"""What the client was sent, by its first digit; ``none``: nothing was."""
KINDS: Final = (
    "refused",
    "not_configured",
    "overloaded",
    "unreachable",
    "timeout",
    "rate_limited",
    "provider_refused",
    "provider_failed",
    "bad_answer",
    "cut_off",
    "client_gone",
    "worker_ended",
)
"""Kinds of errors; docs/metrics.md says what each one means."""
TOKENS: Final = ("input", "output", "cached_input")

_TEXTS: Final = struct.Struct("64s128s64s")
_HEAD_COUNTERS: Final = 2  # when this was made (Unix time in nanoseconds), how many rows there are
_PLACES: Final = 64
_PLACE: Final = struct.Struct("=32sQQ")


class Labels(NamedTuple):
    """Whose calls a row counts."""

    provider: str
    model: str
    key: str


class Scale(NamedTuple):
    """A histogram's place in a row: a counter a bucket, one for what is over all bounds, the sum in microseconds."""

    bounds_us: tuple[int, ...]
    first: int

    @property
    def sum_at(self) -> int:
        """The counter that holds the sum."""
        return self.first + len(self.bounds_us) + 1


def _us(*bounds_s: float) -> tuple[int, ...]:
    return tuple(round(bound * 1e6) for bound in bounds_s)


_LONG: Final = _us(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200)
_FIRST: Final = _us(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_SHORT: Final = _us(50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 0.1, 1)

_KINDS_AT: Final = len(STATUSES)
_TOKENS_AT: Final = _KINDS_AT + len(KINDS)
LATENCY: Final = Scale(_LONG, _TOKENS_AT + len(TOKENS))
TTFT: Final = Scale(_FIRST, LATENCY.sum_at + 1)
UPSTREAM: Final = Scale(_LONG, TTFT.sum_at + 1)
OWN: Final = Scale(_SHORT, UPSTREAM.sum_at + 1)

_COUNTERS: Final = OWN.sum_at + 1
_ROW_BYTES: Final = _TEXTS.size + _COUNTERS * 8
_PLACES_AT: Final = _HEAD_COUNTERS * 8
_ROWS_AT: Final = _PLACES_AT + _PLACES * _PLACE.size
LEDGER_BYTES: Final = _ROWS_AT + ROWS * _ROW_BYTES


class Row:
    """The counters of one set of labels."""

    __slots__ = ("_counters",)

    def __init__(self, counters: "memoryview[int]") -> None:
        self._counters = counters

    def count_call(self, status: int) -> None:
        """A call ended with this HTTP status to the client; 0: it was sent nothing."""
        hundreds = status // 100
        self._counters[hundreds - 2 if 2 <= hundreds <= 5 else len(STATUSES) - 1] += 1

    def count_error(self, kind: str) -> None:
        """It failed, in one of ``KINDS``."""
        self._counters[_KINDS_AT + KINDS.index(kind)] += 1

    def count_tokens(self, which: str, tokens: int) -> None:
        """The provider counted so many, of one of ``TOKENS``."""
        self._counters[_TOKENS_AT + TOKENS.index(which)] += tokens

    def observe(self, scale: Scale, duration_us: int) -> None:
        """A duration falls into its bucket: the first whose bound it does not exceed."""
        counters = self._counters
        counters[scale.first + bisect_left(scale.bounds_us, duration_us)] += 1
        counters[scale.sum_at] += max(0, duration_us)

    def calls(self, status: str) -> int:
        """Calls that ended with a status of this class."""
        return self._counters[STATUSES.index(status)]

    def errors(self, kind: str) -> int:
        """Errors of this kind."""
        return self._counters[_KINDS_AT + KINDS.index(kind)]

    def tokens(self, which: str) -> int:
        """Tokens of this sort."""
        return self._counters[_TOKENS_AT + TOKENS.index(which)]

    def buckets(self, scale: Scale) -> list[int]:
        """Observations in each bucket, not cumulated; the last is over all bounds."""
        return list(self._counters[scale.first : scale.sum_at])

    def sum_us(self, scale: Scale) -> int:
        """The durations' sum."""
        return self._counters[scale.sum_at]


class Ledger:
    """``LEDGER_BYTES`` of shared memory as rows. One process writes, any may read."""

    def __init__(self, memory: "memoryview[int]") -> None:
        self._memory = memory
        self._head = memory[:_PLACES_AT].cast("Q")
        self._rows: dict[Labels, Row] = {}
        self._places: dict[str, int] = {}

    # --- what the supervisor does --------------------------------------------------------------------------------

    def begin(self, now_ns: int) -> None:
        """Note the Unix time from which on calls are counted."""
        self._head[0] = now_ns

    @property
    def begun_ns(self) -> int:
        """The Unix time of ``begin``."""
        return self._head[0]

    def rows(self) -> Iterator[tuple[Labels, Row]]:
        """All rows so far."""
        for index in range(self._head[1]):
            yield self._labels(index), self._row(index)

    # --- what the recorder does ----------------------------------------------------------------------------------

    def row(self, labels: Labels) -> Row:
        """The row of these labels, a new one if need be; the last row, where all are taken."""
        row = self._rows.get(labels)
        if row is None:
            fitting = Labels(*_unpack(_pack(labels)))
            row = self._find(fitting) or self._add(fitting)
            if len(self._rows) < 2 * ROWS:
                self._rows[labels] = row
        return row

    def is_counted(self, directory: str, number: int, offset: int) -> bool:
        """Whether the frame there, or one behind it, was counted before; from now on it is.

        Frames of one directory come in order. Beyond 64 directories the one whose turn it is forgotten.
        """
        at = self._place(directory)
        if at is None:
            at = self._take_place(directory)
        _, counted_number, counted_offset = _PLACE.unpack_from(self._memory, at)
        if (number, offset) < (counted_number, counted_offset):
            return True
        _PLACE.pack_into(self._memory, at, directory.encode(), number, offset + 1)
        return False

    def forget(self, directory: str) -> None:
        """The directory is gone; its place is free."""
        at = self._place(directory)
        if at is not None:
            _PLACE.pack_into(self._memory, at, b"", 0, 0)
            self._places.pop(directory, None)

    # --- memory --------------------------------------------------------------------------------------------------

    def _find(self, labels: Labels) -> Row | None:
        return next((row for known, row in self.rows() if known == labels), None)

    def _add(self, labels: Labels) -> Row:
        index = self._head[1]
        if index >= ROWS:
            return self._row(ROWS - 1)
        if index == ROWS - 1:
            labels = Labels(OTHER, OTHER, OTHER)
        start = _ROWS_AT + index * _ROW_BYTES
        self._memory[start : start + _TEXTS.size] = _pack(labels)
        self._head[1] = index + 1  # only now: a reader never sees a row without its labels
        return self._row(index)

    def _labels(self, index: int) -> Labels:
        start = _ROWS_AT + index * _ROW_BYTES
        return Labels(*_unpack(bytes(self._memory[start : start + _TEXTS.size])))

    def _row(self, index: int) -> Row:
        start = _ROWS_AT + index * _ROW_BYTES + _TEXTS.size
        return Row(self._memory[start : start + _COUNTERS * 8].cast("Q"))

    def _place(self, directory: str) -> int | None:
        at = self._places.get(directory)
        if at is None:
            at = self._places_by_name().get(directory)
            if at is not None:
                self._places[directory] = at
        return at

    def _places_by_name(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for at in range(_PLACES_AT, _ROWS_AT, _PLACE.size):
            found[_text(_PLACE.unpack_from(self._memory, at)[0])] = at
        return found

    def _take_place(self, directory: str) -> int:
        taken = self._places_by_name()
        at = taken.get("")
        if at is None:  # each has a living writer or a backlog: give up the one of the longest known
            longest = next(iter(self._places), next(iter(taken)))
            self._places.pop(longest, None)
            at = taken[longest]
        _PLACE.pack_into(self._memory, at, directory.encode(), 0, 0)
        self._places[directory] = at
        return at


def _pack(labels: Labels) -> bytes:
    return _TEXTS.pack(*(text.encode("utf-8", "replace") for text in labels))


def _unpack(data: bytes) -> list[str]:
    return [_text(field) for field in _TEXTS.unpack(data)]


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("utf-8", "ignore")
