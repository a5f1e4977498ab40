-- How many of the records whose keys are `wanted` are not among those whose keys are `held`.
SELECT count(*)
FROM (FROM ({wanted}) EXCEPT FROM ({held}))
