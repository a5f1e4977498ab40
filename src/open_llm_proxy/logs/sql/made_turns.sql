-- Turns of mixed days (`turns`, made of `calls`, which they call `call`), and of days that are done those that were
-- `waiting` for an answer: the days around may have brought more of them along.
WITH call AS MATERIALIZED ({calls})
SELECT *
FROM {turns}
WHERE {window} AND (
  {mixed}
  OR ({patched} AND request_id IN (SELECT request_id FROM {waiting} WHERE response_ts IS NULL))
)
