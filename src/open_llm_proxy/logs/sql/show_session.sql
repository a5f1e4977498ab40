-- Sessions whose id or key is $id, or begins so.
SELECT DISTINCT session_key, session_key = $id OR coalesce(session_id = $id, false) AS exact
FROM {turns}
WHERE starts_with(session_key, $id) OR starts_with(session_id, $id)
ORDER BY exact DESC, session_key
LIMIT 3
