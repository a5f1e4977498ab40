-- Turns without an answer, and the days on which one may be found.
CREATE OR REPLACE TEMP TABLE unanswered AS
SELECT DISTINCT request_id, epoch_us(request_ts) // 86400000000 AS day
FROM {turns}
WHERE response_ts IS NULL AND request_id IS NOT NULL AND {within}
