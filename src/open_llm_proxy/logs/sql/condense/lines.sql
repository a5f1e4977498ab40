SELECT json
FROM read_ndjson_objects({files}, ignore_errors = true, maximum_object_size = getvariable('object_bytes'))
