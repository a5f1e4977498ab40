-- Records of one slice of time: its requests, and the answers to them whenever they came.
(
  SELECT * FROM {records} WHERE type = 'request' AND {within}
  UNION ALL
  SELECT *
  FROM {records} AS record
  WHERE type = 'response' AND ts BETWEEN make_timestamptz({first}) AND make_timestamptz({last})
    AND (request_id, ts) IN (SELECT (request_id, response_ts) FROM answers_of_slice)
)
