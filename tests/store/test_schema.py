import pytest

from open_llm_proxy.store.schema import CONSOLIDATED, ROLLUP, SESSIONS, Column

# As the documentation of the stored layout has them: a run of names, then the type they share.
DOCUMENTED = {
    "consolidated": (
        CONSOLIDATED,
        (
            "ts TIMESTAMPTZ, type, request_id, session_id, origin, client, provider, model VARCHAR, message_count, "
            "tools_count INTEGER, enable_thinking BOOLEAN, user_question, user_message_this_turn VARCHAR, latency_ms BIGINT, "
            "has_tool_calls, has_content BOOLEAN, tool_calls, tool_results, tokens JSON, error VARCHAR, entry VARCHAR, "
            "endpoint, key VARCHAR, stream BOOLEAN, status INTEGER, ttft_ms BIGINT, finish_reason, upstream_model VARCHAR"
        ),
    ),
    "sessions": (
        SESSIONS,
        (
            "session_key VARCHAR, session_id VARCHAR, turn_idx BIGINT, request_ts, response_ts TIMESTAMPTZ, request_id, "
            "origin, client, provider, model, user_question, user_message_this_turn VARCHAR, message_count INTEGER, "
            "enable_thinking BOOLEAN, tool_results JSON, assistant_content, reasoning_content VARCHAR, tool_calls JSON, "
            "has_tool_calls, has_content BOOLEAN, latency_ms BIGINT, tokens JSON, error VARCHAR, "
            "key VARCHAR, status INTEGER, ttft_ms BIGINT, finish_reason VARCHAR"
        ),
    ),
    "session-rollup": (
        ROLLUP,
        (
            "session_key, session_id VARCHAR, session_key_synthetic BOOLEAN, origin, app, run_tag, client, model, provider "
            "VARCHAR, models_used BIGINT, question VARCHAR, turns, tool_calls_total, prompt_tokens, completion_tokens, "
            "cached_tokens, total_tokens BIGINT, cost_usd DOUBLE, cost_turns, llm_ms_total BIGINT, wall_clock_s DOUBLE, "
            "error_turns, unanswered_turns BIGINT, status, final_error, final_answer VARCHAR, started_at, finished_at "
            "TIMESTAMPTZ"
        ),
    ),
}


def columns(text):
    kind = ""
    for part in reversed(text.split(", ")):
        name, _, given = part.partition(" ")
        kind = given or kind
        yield Column(name, kind)


@pytest.mark.parametrize("table", DOCUMENTED)
def test_columns_are_as_documented(table):
    found, text = DOCUMENTED[table]
    assert list(found) == list(columns(text))[::-1]
