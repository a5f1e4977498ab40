-- A provider's usage (JSON) as counts under one set of names, for every statement here and for queries; as
-- answers/usage.py counts. Only JSON numbers count: the text of a string has quotes, so it is no number. DOUBLE until the end: nothing
-- that a provider sends overflows.
CREATE OR REPLACE MACRO token_count(value) AS trunc(TRY_CAST(value::VARCHAR AS DOUBLE));

-- Anthropic counts the part that a cache gave, and the part that it took, apart.
CREATE OR REPLACE MACRO prompt_count(counted) AS coalesce(
  counted.prompt,
  counted."input" + CASE WHEN counted.cache_read IS NULL THEN 0 ELSE counted.cache_read + counted.cache_made END
);

CREATE OR REPLACE MACRO token_counts(usage) AS list_transform(
  list_transform(
    [json_transform(usage, '{{
      "prompt_tokens": "JSON", "completion_tokens": "JSON", "total_tokens": "JSON",
      "prompt_tokens_details": {{"cached_tokens": "JSON"}}, "cost": "JSON",
      "input_tokens": "JSON", "output_tokens": "JSON", "input_tokens_details": {{"cached_tokens": "JSON"}},
      "cache_read_input_tokens": "JSON", "cache_creation_input_tokens": "JSON"
    }}')],
    lambda named: struct_pack(
      prompt := token_count(named.prompt_tokens),
      "input" := token_count(named.input_tokens),
      completion := coalesce(token_count(named.completion_tokens), token_count(named.output_tokens)),
      total := token_count(named.total_tokens),
      cached := coalesce(
        token_count(named.prompt_tokens_details.cached_tokens), token_count(named.input_tokens_details.cached_tokens)
      ),
      cache_read := token_count(named.cache_read_input_tokens),
      cache_made := coalesce(token_count(named.cache_creation_input_tokens), 0),
      cost := TRY_CAST(named.cost::VARCHAR AS DOUBLE)
    )
  ),
  lambda counted: struct_pack(
    prompt_tokens := TRY_CAST(prompt_count(counted) AS BIGINT),
    completion_tokens := TRY_CAST(counted.completion AS BIGINT),
    cached_tokens := TRY_CAST(coalesce(counted.cached, counted.cache_read) AS BIGINT),
    total_tokens := TRY_CAST(
      coalesce(
        counted.total, prompt_count(counted) + coalesce(counted.completion, 0), counted.completion
      ) AS BIGINT
    ),
    cost_usd := counted.cost
  )
)[1];
