-- Calls that their provider calls $id.
SELECT request_id, epoch_us(ts) AS at_us, true AS exact
FROM {records}
WHERE type = 'response' AND contains(entry, $id) AND (
  json_extract_string(entry, '$.completion_id') = $id OR json_extract_string(entry, '$.upstream_request_id') = $id
)
ORDER BY at_us DESC
LIMIT 5
