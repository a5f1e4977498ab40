-- What makes a record one: its UTC day, type and id; its own text where it has none. `records` are consolidated rows.
-- In two parts, so that `entry` is read of the few that need it only.
SELECT epoch_us(ts) // 86400000000 AS day, type, request_id AS id{more}
FROM {records}
WHERE request_id IS NOT NULL
UNION ALL
SELECT
  epoch_us(ts) // 86400000000,
  type,
  CASE type
    WHEN 'system_prompt' THEN coalesce(json_extract_string(entry, '$.system_sha256'), md5(entry))
    WHEN 'tools' THEN coalesce(json_extract_string(entry, '$.tools_sha256'), md5(entry))
    ELSE md5(entry)
  END{more}
FROM {records}
WHERE request_id IS NULL
