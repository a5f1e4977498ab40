-- As figures.sql, straight from the lines: nothing of what wrote the Parquet file is believed.
-- `unnamed` lines have no request_id: prompts, tools, torn ones.
SELECT
  count(*) FILTER (id IS NOT NULL) AS records,
  count(*) FILTER (id IS NOT NULL AND type = 'request') AS requests,
  count(*) FILTER (id IS NOT NULL AND type = 'response') AS responses,
  coalesce(sum(hash(concat_ws(' ', day, type, id))) FILTER (id IS NOT NULL), 0) AS checksum,
  coalesce(sum(lines) FILTER (id IS NULL), 0) AS unnamed
FROM (
  SELECT epoch_us(try_cast(timestamp AS TIMESTAMPTZ)) // 86400000000 AS day, type, request_id AS id, count(*) AS lines
  FROM read_ndjson(
    {files}, columns = {{timestamp: 'VARCHAR', type: 'VARCHAR', request_id: 'VARCHAR'}},
    ignore_errors = true, maximum_object_size = getvariable('object_bytes')
  )
  GROUP BY ALL
)
