-- The newest sessions: $origin is a part of the name, or NULL; $errors: only those that went wrong.
SELECT * REPLACE (
  strftime(started_at, '%Y-%m-%dT%H:%M:%S.%fZ') AS started_at, strftime(finished_at, '%Y-%m-%dT%H:%M:%S.%fZ') AS finished_at
)
FROM {sessions}
WHERE ($origin IS NULL OR contains(lower(origin), lower($origin)))
  AND (NOT $errors OR error_turns > 0 OR status <> 'ok')
ORDER BY sessions.started_at DESC, session_key
LIMIT $limit
