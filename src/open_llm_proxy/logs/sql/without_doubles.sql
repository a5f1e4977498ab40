-- Consolidated rows of `records`, each record once: by UTC day, type and id, or hash, or where it has neither by its text.
SELECT *
FROM {records}
QUALIFY row_number() OVER (
  PARTITION BY
    epoch_us(ts) // 86400000000,
    type,
    coalesce(
      request_id,
      CASE type
        WHEN 'system_prompt' THEN json_extract_string(entry, '$.system_sha256')
        WHEN 'tools' THEN json_extract_string(entry, '$.tools_sha256')
      END,
      entry
    )
  ORDER BY ts
) = 1
