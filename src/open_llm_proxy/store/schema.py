"""The columns of the condensed tables, contracts (LOGGING.md, "Layout"): theirs come first, in this order; ours follow.

``records/types.py`` has the fields they come from, ``logs/sql`` the statements that make them.
"""

from typing import Final, NamedTuple


class Column(NamedTuple):
    """A column and its type, as DuckDB names it."""

    name: str
    type: str


def _columns(*rows: tuple[str, str]) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for kind, names in rows for name in names.split())


CONSOLIDATED: Final = _columns(
    ("TIMESTAMPTZ", "ts"),
    ("VARCHAR", "type request_id session_id origin client provider model"),
    ("INTEGER", "message_count tools_count"),
    ("BOOLEAN", "enable_thinking"),
    ("VARCHAR", "user_question user_message_this_turn"),
    ("BIGINT", "latency_ms"),
    ("BOOLEAN", "has_tool_calls has_content"),
    ("JSON", "tool_calls tool_results tokens"),
    ("VARCHAR", "error entry"),
    ("VARCHAR", "endpoint key"),
    ("BOOLEAN", "stream"),
    ("INTEGER", "status"),
    ("BIGINT", "ttft_ms"),
    ("VARCHAR", "finish_reason upstream_model"),
)
"""One row a record; ``entry`` is the record verbatim."""

SESSIONS: Final = _columns(
    ("VARCHAR", "session_key session_id"),
    ("BIGINT", "turn_idx"),
    ("TIMESTAMPTZ", "request_ts response_ts"),
    ("VARCHAR", "request_id origin client provider model user_question user_message_this_turn"),
    ("INTEGER", "message_count"),
    ("BOOLEAN", "enable_thinking"),
    ("JSON", "tool_results"),
    ("VARCHAR", "assistant_content reasoning_content"),
    ("JSON", "tool_calls"),
    ("BOOLEAN", "has_tool_calls has_content"),
    ("BIGINT", "latency_ms"),
    ("JSON", "tokens"),
    ("VARCHAR", "error"),
    ("VARCHAR", "key"),
    ("INTEGER", "status"),
    ("BIGINT", "ttft_ms"),
    ("VARCHAR", "finish_reason"),
)
"""One row a turn."""

ROLLUP: Final = _columns(
    ("VARCHAR", "session_key session_id"),
    ("BOOLEAN", "session_key_synthetic"),
    ("VARCHAR", "origin app run_tag client model provider"),
    ("BIGINT", "models_used"),
    ("VARCHAR", "question"),
    ("BIGINT", "turns tool_calls_total prompt_tokens completion_tokens cached_tokens total_tokens"),
    ("DOUBLE", "cost_usd"),
    ("BIGINT", "cost_turns llm_ms_total"),
    ("DOUBLE", "wall_clock_s"),
    ("BIGINT", "error_turns unanswered_turns"),
    ("VARCHAR", "status final_error final_answer"),
    ("TIMESTAMPTZ", "started_at finished_at"),
)
"""One row a session."""
