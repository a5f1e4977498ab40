-- Turns with their late answers; what they have otherwise, their number in the session too, stays.
SELECT turn.* REPLACE (
  coalesce(answer.response_ts, turn.response_ts) AS response_ts,
  {replaced}
)
FROM {turns} AS turn
LEFT JOIN answers AS answer
  ON turn.response_ts IS NULL
  AND turn.request_id = answer.request_id
  AND epoch_us(turn.request_ts) // 86400000000 = answer.request_day
