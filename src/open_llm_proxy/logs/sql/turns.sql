-- Turns of `records` (consolidated rows, each once): a request each, with its answer of the same UTC day or of the next.
-- Ids of 8 digits come again on other days, so an answer belongs to a request of its own day, if there is one.
WITH asked AS (
  SELECT epoch_us(ts) // 86400000000 AS day, request_id
  FROM {records}
  WHERE type = 'request' AND request_id IS NOT NULL
),
given AS (
  SELECT epoch_us(ts) // 86400000000 AS day, request_id
  FROM {records}
  WHERE type = 'response' AND request_id IS NOT NULL
),
late AS MATERIALIZED (
  SELECT day, request_id
  FROM (FROM given ANTI JOIN asked USING (day, request_id))
  WHERE (day - 1, request_id) IN (FROM asked ANTI JOIN given USING (day, request_id))
),
answer AS (
  SELECT record.*, record.day - CASE WHEN late.day IS NULL THEN 0 ELSE 1 END AS request_day
  FROM (SELECT *, epoch_us(ts) // 86400000000 AS day FROM {records} WHERE type = 'response') AS record
  LEFT JOIN late USING (day, request_id)
),
request AS (
  SELECT
    *,
    epoch_us(ts) // 86400000000 AS day,
    coalesce(session_id, 'anon:' || md5(coalesce(origin, '') || '|' || coalesce(user_question, ''))) AS session_key
  FROM {records}
  WHERE type = 'request'
)
SELECT
  request.session_key,
  request.session_id,
  row_number() OVER (PARTITION BY request.session_key ORDER BY request.ts, request.request_id) AS turn_idx,
  request.ts AS request_ts,
  answer.ts AS response_ts,
  request.request_id,
  request.origin,
  request.client,
  request.provider,
  request.model,
  request.user_question,
  request.user_message_this_turn,
  request.message_count,
  request.enable_thinking,
  request.tool_results,
  json_extract_string(answer.entry, '$.content') AS assistant_content,
  json_extract_string(answer.entry, '$.reasoning_content') AS reasoning_content,
  answer.tool_calls,
  answer.has_tool_calls,
  answer.has_content,
  answer.latency_ms,
  answer.tokens,
  answer.error,
  request.key,
  answer.status,
  answer.ttft_ms,
  answer.finish_reason
FROM request
LEFT JOIN answer ON answer.request_day = request.day AND answer.request_id = request.request_id
