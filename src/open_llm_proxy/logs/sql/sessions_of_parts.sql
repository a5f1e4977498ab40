-- Sessions of `parts`, roll-ups with a column `whole` (the row's day lies in the window with all its hours), but for those
-- that something else tells of, too: `doubtful`, their keys (`made_turn` among their sources). They are made of `turns`.
WITH made_turn AS MATERIALIZED ({made}),
any_turn AS NOT MATERIALIZED ({turns}),
part AS NOT MATERIALIZED ({parts}),
doubtful AS MATERIALIZED ({doubtful}),
settled AS NOT MATERIALIZED (SELECT * FROM part ANTI JOIN doubtful USING (session_key)),
turn AS NOT MATERIALIZED (SELECT * FROM any_turn SEMI JOIN doubtful USING (session_key))
SELECT * EXCLUDE (whole)
FROM ({merged} UNION ALL BY NAME SELECT *, false AS whole FROM ({anew}))
WHERE whole OR ({touched})
