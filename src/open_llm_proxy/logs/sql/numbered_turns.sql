-- `turns` numbered within their session over all of them: a file numbers them over its own day or month.
SELECT * REPLACE (row_number() OVER (PARTITION BY session_key ORDER BY request_ts, request_id) AS turn_idx)
FROM {turns}
