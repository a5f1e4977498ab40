-- The records that turns are made of, read once however often they are looked at. Only an answer's text is kept whole.
SELECT * REPLACE (CASE WHEN type = 'response' THEN entry END AS entry)
FROM {records}
WHERE type IN ('request', 'response')
