"""Answers that came after the midnight of their request's day, into turns that are written already."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from open_llm_proxy.logs.condense.figures import CondenseError
from open_llm_proxy.logs.condense.press import Press, parquet
from open_llm_proxy.logs.statements import statement

_COLUMNS: Final = (
    "assistant_content",
    "reasoning_content",
    "tool_calls",
    "has_tool_calls",
    "has_content",
    "latency_ms",
    "tokens",
    "error",
    "status",
    "ttft_ms",
    "finish_reason",
)


def add_answers(press: Press, turns: str, records: Sequence[str], target: Path, *, day: str | None = None) -> int:
    """Write turns with the answers that are among later records; how many are new. 0: nothing is written.

    Args:
        press: The job's connection.
        turns: A relation of turns.
        records: Statements that give consolidated rows, of the following day mostly.
        target: A local Parquet file.
        day: Only this day's turns are looked at, ``YYYY-MM-DD``; None: all.

    Raises:
        CondenseError: What was written holds other turns.
    """
    within = "true" if day is None else f"CAST(request_ts AT TIME ZONE 'UTC' AS DATE) = DATE '{day}'"
    press.run(statement("condense/unanswered", turns=turns, within=within))
    if not records or not press.count("unanswered"):
        return 0
    press.run(statement("condense/answers", records=" UNION ALL ".join(f"({one})" for one in records)))
    found = press.count("answers")
    if found:
        there = {name for name, *_ in press.run(f"DESCRIBE FROM {turns}")}  # older tables lack some
        replaced = ", ".join(
            f"CASE WHEN answer.response_ts IS NULL THEN turn.{name} ELSE answer.{name} END AS {name}"
            for name in _COLUMNS
            if name in there
        )
        press.copy(statement("condense/answered_turns", turns=turns, replaced=replaced), target)
        if press.count(parquet([target])) != press.count(turns):
            raise CondenseError(f"{target.name} holds other turns than it was made from")
    return found
