-- `parts`, roll-ups that may have a session in several rows (a day each), as one row a session.
-- Their models cannot be added up, so all of a session's parts have the same: others are made of their turns.
-- Sums first, then by `place` the rows that texts come from: texts are what makes an aggregate slow.
WITH several AS MATERIALIZED (SELECT session_key FROM {parts} GROUP BY session_key HAVING count(*) > 1),
summed AS MATERIALIZED (
  SELECT
    session_key,
    arg_min(place, started_at) AS opening,
    arg_max(place, started_at) AS closing,
    arg_max(place, started_at) FILTER (final_answer IS NOT NULL) AS answering,
    max(models_used) AS models_used,
    sum(turns)::BIGINT AS turns,
    sum(tool_calls_total)::BIGINT AS tool_calls_total,
    sum(prompt_tokens)::BIGINT AS prompt_tokens,
    sum(completion_tokens)::BIGINT AS completion_tokens,
    sum(cached_tokens)::BIGINT AS cached_tokens,
    sum(total_tokens)::BIGINT AS total_tokens,
    sum(cost_usd) AS cost_usd,
    sum(cost_turns)::BIGINT AS cost_turns,
    sum(llm_ms_total)::BIGINT AS llm_ms_total,
    sum(error_turns)::BIGINT AS error_turns,
    sum(unanswered_turns)::BIGINT AS unanswered_turns,
    min(started_at) AS started_at,
    max(finished_at) AS finished_at,
    bool_or(whole) AS whole
  FROM {parts} AS part SEMI JOIN several USING (session_key)
  GROUP BY session_key
)
SELECT * EXCLUDE (place) FROM {parts} AS part ANTI JOIN several USING (session_key)
UNION ALL BY NAME
SELECT
  summed.session_key,
  opening.session_id,
  opening.session_key_synthetic,
  opening.origin,
  opening.app,
  opening.run_tag,
  opening.client,
  opening.model,
  opening.provider,
  summed.models_used,
  opening.question,
  summed.turns,
  summed.tool_calls_total,
  summed.prompt_tokens,
  summed.completion_tokens,
  summed.cached_tokens,
  summed.total_tokens,
  summed.cost_usd,
  summed.cost_turns,
  summed.llm_ms_total,
  (epoch_us(summed.finished_at) - epoch_us(summed.started_at)) / 1e6 AS wall_clock_s,
  summed.error_turns,
  summed.unanswered_turns,
  closing.status,
  closing.final_error,
  answering.final_answer,
  summed.started_at,
  summed.finished_at,
  summed.whole
FROM summed
JOIN {parts} AS opening ON opening.place = summed.opening
JOIN {parts} AS closing ON closing.place = summed.closing
LEFT JOIN {parts} AS answering ON answering.place = summed.answering
