-- When the session $key was asked first and last, in seconds, with room for an answer.
SELECT floor(epoch_us(min(request_ts)) / 1e6), ceil(epoch_us(max(request_ts)) / 1e6) + 86400 FROM {turns} WHERE session_key = $key
