-- Records that are there more than once.
SELECT coalesce(sum(times - 1), 0)::BIGINT, min(id)
FROM (SELECT id, count(*) AS times FROM ({keys}) WHERE {counted} GROUP BY day, type, id HAVING count(*) > 1)
