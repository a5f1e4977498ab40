-- All records of the session $key, which was within $first and $last (seconds), and the system prompts that they name.
-- Older ids of 8 digits bring strangers along.
WITH own AS (
  SELECT entry
  FROM {records}
  WHERE type IN ('request', 'response')
    AND ts BETWEEN to_timestamp($first) AND to_timestamp($last)
    AND request_id IN (SELECT request_id FROM {turns} WHERE session_key = $key)
)
SELECT entry FROM own
UNION ALL
SELECT to_json(struct_pack("type" := 'system_prompt', system_sha256, content))::VARCHAR
FROM {system_prompts}
WHERE system_sha256 IN (SELECT json_extract_string(entry, '$.system_sha256') FROM own)
