-- The records of the calls $ids, and of the system prompts and lists of tools that they name one each.
WITH own AS (
  SELECT entry FROM {records} WHERE type IN ('request', 'response') AND request_id IN (SELECT unnest($ids))
),
named AS (
  SELECT type, json_extract_string(entry, if(type = 'tools', '$.tools_sha256', '$.system_sha256')) AS sha256, entry
  FROM {records}
  WHERE type IN ('system_prompt', 'tools')
)
SELECT entry FROM own
UNION ALL
SELECT any_value(entry)
FROM named
WHERE sha256 IN (
  SELECT unnest([json_extract_string(entry, '$.system_sha256'), json_extract_string(entry, '$.tools_sha256')]) FROM own
)
GROUP BY type, sha256
