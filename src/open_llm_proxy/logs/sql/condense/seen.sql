-- How many turns each session has had up to here.
CREATE OR REPLACE TEMP TABLE seen AS
SELECT session_key, sum(turns)::BIGINT AS turns
FROM (FROM seen UNION ALL SELECT session_key, count(*) FROM {turns} GROUP BY session_key)
GROUP BY session_key
