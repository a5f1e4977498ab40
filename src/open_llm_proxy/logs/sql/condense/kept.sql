-- Of doubles the earliest stays, of those the one whose text hashes lowest: the same whichever came first.
CREATE OR REPLACE TEMP TABLE kept AS
SELECT min({{'moment': coalesce(ts, '-infinity'), 'hash': md5(entry), 'place': file_row_number}}).place AS place
FROM ({keys})
GROUP BY day, type, id
