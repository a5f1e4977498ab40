-- Requests and responses of `records`, each once.
CREATE OR REPLACE TEMP TABLE {table} AS
SELECT epoch_us(ts) // 86400000000 AS day, type, request_id AS id, max(ts) AS ts
FROM {records}
WHERE type IN ('request', 'response') AND request_id IS NOT NULL
GROUP BY ALL
