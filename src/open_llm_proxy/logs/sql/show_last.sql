-- The session that was heard of last.
SELECT session_key, epoch_us(request_ts) AS at_us FROM {turns} ORDER BY request_ts DESC LIMIT 1
