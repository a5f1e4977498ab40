-- The calls' records, as they are.
SELECT entry FROM {records} WHERE type IN ('request', 'response')
