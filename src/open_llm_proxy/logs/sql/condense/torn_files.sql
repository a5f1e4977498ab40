-- Which raw chunk files hold lines of which no record can be made, and how many.
SELECT filename, count(*) AS lines
FROM read_ndjson(
  {files}, columns = {{timestamp: 'VARCHAR', type: 'VARCHAR', request_id: 'VARCHAR'}}, filename = true,
  ignore_errors = true, maximum_object_size = getvariable('object_bytes')
)
WHERE try_cast(timestamp AS TIMESTAMPTZ) IS NULL AND type IS NULL AND request_id IS NULL
GROUP BY filename
