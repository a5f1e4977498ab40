-- `parts`, roll-ups that may have a session in several rows (a day each), as one row a session.
-- Its models can be counted only where each part has one: other sessions are to be made of their turns.
WITH several AS MATERIALIZED (SELECT session_key FROM {parts} GROUP BY session_key HAVING count(*) > 1)
SELECT * FROM {parts} AS part ANTI JOIN several USING (session_key)
UNION ALL BY NAME
SELECT
  session_key,
  arg_min_null(session_id, started_at) AS session_id,
  any_value(session_key_synthetic) AS session_key_synthetic,
  arg_min_null(origin, started_at) AS origin,
  arg_min_null(app, started_at) AS app,
  arg_min_null(run_tag, started_at) AS run_tag,
  arg_min_null(client, started_at) AS client,
  arg_min_null(model, started_at) AS model,
  arg_min_null(provider, started_at) AS provider,
  count(DISTINCT model) AS models_used,
  arg_min_null(question, started_at) AS question,
  sum(turns)::BIGINT AS turns,
  sum(tool_calls_total)::BIGINT AS tool_calls_total,
  sum(prompt_tokens)::BIGINT AS prompt_tokens,
  sum(completion_tokens)::BIGINT AS completion_tokens,
  sum(cached_tokens)::BIGINT AS cached_tokens,
  sum(total_tokens)::BIGINT AS total_tokens,
  sum(cost_usd) AS cost_usd,
  sum(cost_turns)::BIGINT AS cost_turns,
  sum(llm_ms_total)::BIGINT AS llm_ms_total,
  (epoch_us(max(finished_at)) - epoch_us(min(started_at))) / 1e6 AS wall_clock_s,
  sum(error_turns)::BIGINT AS error_turns,
  sum(unanswered_turns)::BIGINT AS unanswered_turns,
  arg_max_null(status, started_at) AS status,
  arg_max_null(final_error, started_at) AS final_error,
  arg_max(final_answer, started_at) AS final_answer,
  min(started_at) AS started_at,
  max(finished_at) AS finished_at,
  bool_or(whole) AS whole
FROM {parts} AS part SEMI JOIN several USING (session_key)
GROUP BY session_key
