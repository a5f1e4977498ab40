-- Consolidated rows of `lines`, a relation whose column `json` holds a record each (NULL: a torn line, which is left out).
-- Each line is parsed once. A field of another type than it has today is NULL; nothing here raises.
-- What is random is not computed twice: DuckDB would move conditions on fields below, and parse each line again for each.
-- A time without a zone (older records) is UTC, whatever the session's zone.
SELECT
  try_cast(
    CASE WHEN regexp_matches(record.timestamp, '(Z|[+-]\d\d(:?\d\d)?)$') THEN record.timestamp
    ELSE record.timestamp || 'Z' END AS TIMESTAMPTZ
  ) AS ts,
  record.type,
  record.request_id,
  record.session_id,
  record.origin,
  record.client,
  record.provider,
  record.model,
  record.message_count,
  record.tools_count,
  record.enable_thinking,
  record.user_question,
  record.user_message_this_turn,
  record.latency_ms,
  record.has_tool_calls,
  record.has_content,
  record.tool_calls,
  record.tool_results_this_turn AS tool_results,
  record.tokens,
  record.error,
  entry,
  record.endpoint,
  record.key,
  record.stream,
  record.status,
  record.ttft_ms,
  record.finish_reason,
  record.upstream_model
FROM (
  SELECT
    json::VARCHAR AS entry,
    json_transform(CASE WHEN random() < 2 THEN json END, '{{
      "timestamp": "VARCHAR", "type": "VARCHAR", "request_id": "VARCHAR", "session_id": "VARCHAR",
      "origin": "VARCHAR", "client": "VARCHAR", "provider": "VARCHAR", "model": "VARCHAR",
      "message_count": "INTEGER", "tools_count": "INTEGER", "enable_thinking": "BOOLEAN",
      "user_question": "VARCHAR", "user_message_this_turn": "VARCHAR", "latency_ms": "BIGINT",
      "has_tool_calls": "BOOLEAN", "has_content": "BOOLEAN", "tool_calls": "JSON",
      "tool_results_this_turn": "JSON", "tokens": "JSON", "error": "VARCHAR", "endpoint": "VARCHAR",
      "key": "VARCHAR", "stream": "BOOLEAN", "status": "INTEGER", "ttft_ms": "BIGINT",
      "finish_reason": "VARCHAR", "upstream_model": "VARCHAR"
    }}') AS record
  FROM {lines}
)
WHERE record.type IS NOT NULL OR record.request_id IS NOT NULL OR record.timestamp IS NOT NULL
