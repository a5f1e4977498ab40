-- Of distinct records, so that a source with doubles and what was made of it without them have the same.
SELECT
  count(*) AS records,
  count(*) FILTER (type = 'request') AS requests,
  count(*) FILTER (type = 'response') AS responses,
  coalesce(sum(hash(concat_ws(' ', day, type, id))), 0) AS checksum
FROM (SELECT DISTINCT day, type, id FROM ({keys}))
