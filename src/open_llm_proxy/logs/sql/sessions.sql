-- The roll-up of `turns` (rows as `sessions` has them, each once): a row a session.
-- Its first and last turn are so by (request_ts, request_id), whatever turn_idx says: that may be a day's.
SELECT
  session_key,
  opening.session_id,
  starts_with(session_key, 'anon:') AS session_key_synthetic,
  opening.origin,
  nullif(regexp_extract(
    coalesce(
      lower(nullif(regexp_extract(opening.origin, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]*)', 1), '')),
      opening.origin
    ),
    '^[^.]*'
  ), '') AS app,
  nullif(regexp_extract(opening.origin, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*(/[^?#]*)', 1), '') AS run_tag,
  opening.client,
  opening.model,
  opening.provider,
  models_used,
  opening.question,
  turns,
  tool_calls_total,
  prompt_tokens,
  completion_tokens,
  cached_tokens,
  total_tokens,
  cost_usd,
  cost_turns,
  llm_ms_total,
  (epoch_us(finished_at) - epoch_us(started_at)) / 1e6 AS wall_clock_s,
  error_turns,
  unanswered_turns,
  CASE
    WHEN closing.response_ts IS NULL THEN 'incomplete'
    WHEN closing.error IS NULL THEN 'ok'
    WHEN contains(lower(closing.error), 'timed out') THEN 'timeout'
    WHEN contains(lower(closing.error), 'budget limit exceeded')
      OR contains(lower(closing.error), 'credit balance is too low')
      OR contains(lower(closing.error), 'requires more credits') THEN 'budget_capped'
    ELSE 'error'
  END AS status,
  closing.error AS final_error,
  final_answer,
  started_at,
  finished_at
FROM (
  SELECT
    session_key,
    arg_min(
      struct_pack(
        session_id, origin, client, model, provider, question := coalesce(user_message_this_turn, user_question)
      ),
      position
    ) AS opening,
    arg_max(struct_pack(response_ts, error), position) AS closing,
    arg_max(assistant_content, position) FILTER (assistant_content <> '') AS final_answer,
    count(DISTINCT model) AS models_used,
    count(*) AS turns,
    try_cast(coalesce(sum(json_array_length(tool_calls)), 0) AS BIGINT) AS tool_calls_total,
    try_cast(coalesce(sum(used.prompt_tokens), 0) AS BIGINT) AS prompt_tokens,
    try_cast(coalesce(sum(used.completion_tokens), 0) AS BIGINT) AS completion_tokens,
    try_cast(coalesce(sum(used.cached_tokens), 0) AS BIGINT) AS cached_tokens,
    try_cast(coalesce(sum(used.total_tokens), 0) AS BIGINT) AS total_tokens,
    sum(used.cost_usd) AS cost_usd,
    count(used.cost_usd) AS cost_turns,
    try_cast(coalesce(sum(latency_ms), 0) AS BIGINT) AS llm_ms_total,
    count(error) AS error_turns,
    count(*) FILTER (response_ts IS NULL) AS unanswered_turns,
    min(request_ts) AS started_at,
    max(coalesce(response_ts, request_ts)) AS finished_at
  FROM (
    SELECT *, struct_pack(request_ts, request_id) AS position, token_counts(tokens) AS used
    FROM {turns}
  )
  GROUP BY session_key
)
