-- The system prompts with the hashes $hashes, as records.
SELECT to_json(struct_pack("type" := 'system_prompt', system_sha256, content))::VARCHAR
FROM system_prompts
WHERE system_sha256 IN (SELECT unnest($hashes))
