-- The newest sessions: $origin and $model are a part of the name, or NULL; $errors: only those that went wrong.
SELECT * REPLACE (
  strftime(started_at, '%Y-%m-%dT%H:%M:%S.%fZ') AS started_at, strftime(finished_at, '%Y-%m-%dT%H:%M:%S.%fZ') AS finished_at
)
FROM {sessions}
WHERE ($origin IS NULL OR contains(lower(origin), lower($origin)))
  AND ($model IS NULL OR session_key IN (SELECT session_key FROM {turns} WHERE contains(lower(model), lower($model))))
  AND (NOT $errors OR error_turns > 0 OR status <> 'ok')
ORDER BY sessions.started_at DESC, session_key
LIMIT $limit
