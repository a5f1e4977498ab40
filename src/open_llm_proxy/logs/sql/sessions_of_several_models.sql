-- Keys of sessions that several `part`s tell of, in one of which they used several models.
SELECT session_key FROM part GROUP BY session_key HAVING count(*) > 1 AND max(models_used) > 1
