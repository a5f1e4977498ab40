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
  used.prompt_tokens AS prompt_tokens,
  used.completion_tokens AS completion_tokens,
  used.cached_tokens AS cached_tokens,
  used.cost_usd AS cost,
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
    token_counts(tokens) AS used
  FROM {turns}
)
