-- Calls that failed, by {key} and kind of error.
SELECT {key} AS name, kind, count(*) AS calls FROM calls WHERE kind IS NOT NULL GROUP BY ALL ORDER BY name, calls DESC, kind
