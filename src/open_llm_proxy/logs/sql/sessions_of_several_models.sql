-- Keys of sessions that several `part`s tell of, in which several models took part.
SELECT session_key
FROM part
GROUP BY session_key
HAVING count(*) > 1 AND (max(models_used) > 1 OR min(model) <> max(model))
