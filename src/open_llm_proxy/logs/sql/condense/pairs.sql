-- Which answer each request has, by keys alone: of the same UTC day, else of the next, unless it has a request there.
CREATE OR REPLACE TEMP TABLE pairs AS
WITH asked AS NOT MATERIALIZED (
  SELECT ts, epoch_us(ts) // 86400000000 AS day, request_id
  FROM {records}
  WHERE type = 'request' AND request_id IS NOT NULL
),
given AS NOT MATERIALIZED (
  SELECT ts, epoch_us(ts) // 86400000000 AS day, request_id
  FROM {records}
  WHERE type = 'response' AND request_id IS NOT NULL
)
SELECT asked.ts AS request_ts, given.ts AS response_ts, request_id
FROM asked
JOIN given USING (day, request_id)
UNION ALL
SELECT unanswered.ts, orphan.ts, orphan.request_id
FROM (FROM given ANTI JOIN asked USING (day, request_id)) AS orphan
JOIN (FROM asked ANTI JOIN given USING (day, request_id)) AS unanswered
  ON unanswered.day = orphan.day - 1 AND unanswered.request_id = orphan.request_id
