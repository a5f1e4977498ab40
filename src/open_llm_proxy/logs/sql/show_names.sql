-- What the calls of {records} are found by: made once, asked several times. The key is the views' own.
CREATE OR REPLACE TEMP TABLE named AS
SELECT
  coalesce(session_id, 'anon:' || md5(coalesce(origin, '') || '|' || coalesce(user_question, ''))) AS session_key,
  session_id,
  request_id,
  ts AS request_ts
FROM {records}
WHERE type = 'request'
