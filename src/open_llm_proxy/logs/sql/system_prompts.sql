-- The system prompts among `records`, each once.
SELECT
  system_sha256,
  arg_min(content, ts) AS content,
  arg_min_null(origin, ts) AS origin,
  min(ts) AS first_seen,
  max(ts) AS last_seen
FROM (
  SELECT
    ts,
    origin,
    json_extract_string(entry, '$.system_sha256') AS system_sha256,
    json_extract_string(entry, '$.content') AS content
  FROM {records}
  WHERE type = 'system_prompt'
)
WHERE system_sha256 IS NOT NULL
GROUP BY system_sha256
