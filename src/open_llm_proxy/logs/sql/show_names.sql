-- What the calls of {turns} are found by: made once, asked several times.
CREATE OR REPLACE TEMP TABLE named AS SELECT session_key, session_id, request_id, request_ts FROM {turns}
