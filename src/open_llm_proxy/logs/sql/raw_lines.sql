-- Raw chunk files (`files`, a list), a row a line: `json` is the line verbatim, NULL where it is torn or no JSON.
SELECT json
FROM read_ndjson_objects({files}, ignore_errors = true, maximum_object_size = 33554432)
