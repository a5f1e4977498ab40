-- Requests without an answer on their day or the next, and answers without a request on theirs or the one before.
-- `near` are the calls of the days around those of `here`. What was asked after `settled` may still be answered.
SELECT type, count(*), min(id)
FROM here
WHERE (type = 'response' OR ts <= {settled})
  AND NOT EXISTS (
    SELECT 1
    FROM (FROM here UNION ALL FROM near) AS other
    WHERE other.id = here.id
      AND other.type <> here.type
      AND (other.day = here.day OR other.day = here.day + CASE here.type WHEN 'request' THEN 1 ELSE -1 END)
  )
GROUP BY type
ORDER BY type
