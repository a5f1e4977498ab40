-- The figures of `calls`, a row for each value of {key}.
SELECT
  {key} AS name,
  count(*) AS calls,
  count(DISTINCT session_key) AS sessions,
  count(kind) AS errors,
  count(*) FILTER (unanswered) AS unanswered,
  sum(prompt_tokens)::BIGINT AS prompt_tokens,
  sum(completion_tokens)::BIGINT AS completion_tokens,
  sum(cached_tokens)::BIGINT AS cached_tokens,
  round(fsum(cost), 9) AS cost_usd,
  quantile_cont(latency_ms, [0.5, 0.9, 0.99]) AS latency_ms,
  quantile_cont(ttft_ms, [0.5, 0.9, 0.99]) AS ttft_ms
FROM calls
GROUP BY ALL
ORDER BY {order}
