-- Calls whose id is $id, or begins so: a row a call and day.
SELECT request_id, epoch_us(min(ts)) AS at_us, request_id = $id AS exact
FROM {records}
WHERE type IN ('request', 'response') AND starts_with(request_id, $id)
GROUP BY request_id, epoch_us(ts) // 86400000000
ORDER BY exact DESC, at_us DESC
LIMIT 5
