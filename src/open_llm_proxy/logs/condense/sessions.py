"""Sessions of a relation of turns, a share of them at a time."""

from functools import partial
from pathlib import Path
from typing import Final

from open_llm_proxy.logs.condense.figures import CondenseError
from open_llm_proxy.logs.condense.press import Press, parquet
from open_llm_proxy.logs.statements import statement

AT_ONCE: Final = 100_000
"""Sessions whose question and last answer are in memory."""


def write_sessions(press: Press, turns: str, target: Path, *, note: str | None = None, at_once: int = AT_ONCE) -> None:
    """Write the sessions of a relation of turns to a local Parquet file.

    Raises:
        CondenseError: Their turns do not add up.
    """
    [(sessions,)] = press.run(f"SELECT count(DISTINCT session_key) FROM {turns}")
    shares = 1 + sessions // at_once
    some = [f"(FROM {turns} WHERE hash(session_key) % {shares} = {share})" for share in range(shares)]
    relations = [turns] if shares == 1 else some
    press.copy_all([partial(statement, "sessions", turns=one) for one in relations], target, note=note)
    if not are_of(press, parquet([target]), turns):
        raise CondenseError(f"{target.name} does not add up to its turns")


def are_of(press: Press, sessions: str, turns: str) -> bool:
    """Whether sessions add up to turns, answered and not."""
    summed = press.run(f"SELECT coalesce(sum(turns), 0), coalesce(sum(unanswered_turns), 0) FROM {sessions}")[0]
    return tuple(summed) == (press.count(turns), press.count(turns, "response_ts IS NULL"))
