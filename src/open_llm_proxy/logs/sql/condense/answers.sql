-- Their late answers among `records`: not those to a request of the answer's own day with the same id.
CREATE OR REPLACE TEMP TABLE answers AS
WITH found AS MATERIALIZED (
  SELECT *, epoch_us(ts) // 86400000000 AS day
  FROM ({records})
  WHERE type IN ('request', 'response') AND request_id IN (SELECT request_id FROM unanswered)
),
late AS (
  SELECT found.*, unanswered.day AS request_day
  FROM found
  JOIN unanswered USING (request_id)
  WHERE found.type = 'response' AND (
    found.day = unanswered.day
    OR found.day = unanswered.day + 1
    AND NOT EXISTS (
      FROM found AS own WHERE own.type = 'request' AND own.request_id = found.request_id AND own.day = found.day
    )
  )
)
SELECT DISTINCT ON (request_id, request_day)
  request_id, request_day, ts AS response_ts,
  json_extract_string(entry, '$.content') AS assistant_content,
  json_extract_string(entry, '$.reasoning_content') AS reasoning_content,
  tool_calls, has_tool_calls, has_content, latency_ms, tokens, error, status, ttft_ms, finish_reason
FROM late
ORDER BY request_id, request_day, ts, md5(entry)
