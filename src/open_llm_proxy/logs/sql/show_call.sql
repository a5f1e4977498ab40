-- The records of one call.
SELECT entry FROM {records} WHERE type IN ('request', 'response') AND request_id = $id
