-- All records of the session $key, which was within $first and $last (seconds).
-- Older ids of 8 digits bring strangers along.
SELECT entry
FROM {records}
WHERE type IN ('request', 'response')
  AND ts BETWEEN to_timestamp($first) AND to_timestamp($last)
  AND request_id IN (SELECT request_id FROM {turns} WHERE session_key = $key)
