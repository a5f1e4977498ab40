-- A row a call of `turns`, with what figures are made of; names of kinds of errors are those of the metrics.
CREATE OR REPLACE TEMP TABLE calls AS
SELECT
  request_ts,
  session_key,
  coalesce(nullif(regexp_extract(
    coalesce(nullif(regexp_extract(origin, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]*)', 1), ''), origin), '^[^.]*'
  ), ''), client, '-') AS app,
  coalesce(model, '-') AS model,
  coalesce(provider, '-') AS provider,
  response_ts IS NULL AS unanswered,
  latency_ms,
  ttft_ms,
  CASE
    WHEN usage.prompt_tokens IS NOT NULL THEN usage.prompt_tokens
    WHEN usage.cache_read_input_tokens IS NULL THEN usage.input_tokens
    ELSE usage.input_tokens + usage.cache_read_input_tokens + coalesce(usage.cache_creation_input_tokens, 0)
  END AS prompt_tokens,
  coalesce(usage.completion_tokens, usage.output_tokens) AS completion_tokens,
  coalesce(
    usage.prompt_tokens_details.cached_tokens, usage.input_tokens_details.cached_tokens, usage.cache_read_input_tokens
  ) AS cached_tokens,
  usage.cost AS cost,
  CASE
    WHEN error IS NULL AND coalesce(status, 200) < 400 THEN NULL
    WHEN starts_with(error, 'worker ended') THEN 'worker_ended'
    WHEN starts_with(error, 'Client disconnected') THEN 'client_gone'
    WHEN contains(lower(error), 'timed out') THEN 'timeout'
    WHEN regexp_matches(lower(error), 'budget limit exceeded|credit balance is too low|requires more credits')
      THEN 'budget_capped'
    WHEN returned = 429 THEN 'rate_limited'
    WHEN returned >= 500 THEN 'provider_failed'
    WHEN returned >= 400 THEN 'provider_refused'
    WHEN regexp_matches(error, 'broken off after|stream ended without') THEN 'cut_off'
    WHEN returned IS NOT NULL THEN 'bad_answer'
    WHEN contains(error, 'API key not configured') THEN 'not_configured'
    WHEN status = 502 THEN 'unreachable'
    WHEN status = 503 THEN 'overloaded'
    WHEN status = 504 THEN 'timeout'
    WHEN starts_with(error, 'Unknown model') OR status BETWEEN 400 AND 499 THEN 'refused'
    ELSE 'other'
  END AS kind
FROM (
  SELECT
    *,
    try_cast(nullif(regexp_extract(error, '^Provider returned (\d+)', 1), '') AS INTEGER) AS returned,
    json_transform(tokens, '{{
      "prompt_tokens": "BIGINT", "completion_tokens": "BIGINT", "cost": "DOUBLE",
      "prompt_tokens_details": {{"cached_tokens": "BIGINT"}},
      "input_tokens": "BIGINT", "output_tokens": "BIGINT", "input_tokens_details": {{"cached_tokens": "BIGINT"}},
      "cache_read_input_tokens": "BIGINT", "cache_creation_input_tokens": "BIGINT"
    }}') AS usage
  FROM {turns}
)
