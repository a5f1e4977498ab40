-- `turns`, each once: of two the one with an answer.
SELECT *
FROM {turns}
QUALIFY row_number() OVER (
  PARTITION BY epoch_us(request_ts) // 86400000000, request_id
  ORDER BY response_ts NULLS LAST, request_ts
) = 1
