-- Of doubles the earliest stays, of those the one whose text hashes lowest: the same whichever came first.
-- Of one share of the ids, so that memory is bounded.
INSERT INTO kept
SELECT min({{'moment': coalesce(ts, '-infinity'), 'hash': md5(entry), 'place': file_row_number}}).place
FROM ({keys})
WHERE hash(id) % {shares} = {share}
GROUP BY day, type, id
