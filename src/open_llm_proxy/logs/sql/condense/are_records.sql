-- Of each of `lines`, in order, whether a record can be made of it.
SELECT coalesce(record.timestamp IS NOT NULL OR record.type IS NOT NULL OR record.request_id IS NOT NULL, false)
FROM (
  SELECT
    number,
    json_transform(
      CASE WHEN json_valid(line) THEN line END,
      '{{"timestamp": "TIMESTAMPTZ", "type": "VARCHAR", "request_id": "VARCHAR"}}'
    ) AS record
  FROM (SELECT unnest($lines) AS line, generate_subscripts($lines, 1) AS number)
)
ORDER BY number
