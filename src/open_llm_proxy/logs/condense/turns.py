"""Turns of a relation of records, slice by slice of time, so that memory is bounded however many there are."""

from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from open_llm_proxy.logs.condense.figures import CondenseError
from open_llm_proxy.logs.condense.press import Press, parquet
from open_llm_proxy.logs.statements import statement

SLICE_BYTES: Final = 384 << 20
"""Of records, before compression: a slice's long texts are in memory while they are joined."""


class _Slice(NamedTuple):
    """Requests from ``start`` up to ``end``, in microseconds since 1970; None: no bound on that side."""

    start: int | None
    end: int | None

    def within(self, column: str) -> str:
        """Whether a time is in it, in SQL; those without a time are in the first."""
        after = f"{column} IS NULL" if self.start is None else f"{column} >= make_timestamptz({self.start})"
        before = "true" if self.end is None else f"{column} < make_timestamptz({self.end})"
        return f"({before} OR {after})" if self.start is None else f"({after} AND {before})"


def write_turns(
    press: Press, table: str | Path, requests: int, target: Path, *, slice_bytes: int = SLICE_BYTES
) -> None:
    """Write the turns of a table of records, a Parquet file in today's columns, to a local Parquet file.

    Raises:
        CondenseError: There are more or fewer than requests.
    """
    records = parquet([table])
    press.run(statement("condense/pairs", records=records))
    press.run("CREATE OR REPLACE TEMP TABLE seen (session_key VARCHAR, turns BIGINT)")
    slices = _slices(press, records, 1 + press.uncompressed_bytes([table]) // slice_bytes)
    press.copy_all(
        [partial(_turns_of, press, records, one) for one in slices], target, after=partial(_count_seen, press)
    )
    turns = press.count(parquet([target]))
    if turns != requests:
        raise CondenseError(f"{target.name} holds {turns} turns of {requests} requests")


def _slices(press: Press, records: str, count: int) -> list[_Slice]:
    """In order of time: a session's earlier turns are in the same or an earlier one."""
    shares = [share / count for share in range(1, count)]
    found = press.run(statement("condense/bounds", records=records, shares=str(shares))) if shares else []
    bounds: list[int | None] = [None, *sorted({bound for (bound,) in found}), None]
    return [_Slice(start, end) for start, end in pairwise(bounds)]


def _turns_of(press: Press, records: str, one: _Slice) -> str:
    """The statement for a slice's turns."""
    within = one.within("request_ts")
    press.run(f"CREATE OR REPLACE TEMP TABLE answers_of_slice AS FROM pairs WHERE {within}")
    [(first, last)] = press.run("SELECT epoch_us(min(response_ts)), epoch_us(max(response_ts)) FROM answers_of_slice")
    taken = statement(
        "condense/slice", records=records, within=one.within("ts"), first=str(first or 0), last=str(last or 0)
    )
    return statement("condense/slice_turns", turns=statement("turns", records=taken))


def _count_seen(press: Press, part: Path) -> None:
    press.run(statement("condense/seen", turns=parquet([part])))
