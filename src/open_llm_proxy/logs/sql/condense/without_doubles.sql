SELECT {columns}
FROM {records}
WHERE file_row_number IN (SELECT place FROM kept)
