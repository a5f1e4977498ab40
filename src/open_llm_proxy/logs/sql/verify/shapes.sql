-- The shapes that records have: which fields, and of which JSON types those in `fields` are.
SELECT json_extract_string(line, '$.type') AS type, json_keys(line) AS names, json_type(line, {fields}) AS types,
  count(*) AS records
FROM (SELECT entry::JSON AS line FROM {records})
GROUP BY ALL
