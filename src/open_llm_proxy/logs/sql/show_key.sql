-- The session that a call belongs to.
SELECT session_key FROM {turns} WHERE request_id = $id ORDER BY abs(epoch_us(request_ts) - $at_us) LIMIT 1
