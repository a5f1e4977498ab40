-- A slice's turns, numbered on from those of the slices before it.
SELECT turn.* REPLACE (turn.turn_idx + coalesce(seen.turns, 0) AS turn_idx)
FROM ({turns}) AS turn
LEFT JOIN seen USING (session_key)
