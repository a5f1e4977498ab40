-- One stored Parquet file again: its rows, columns and their types as they were, in their order, texts by `scrubbed`.
COPY (
    SELECT {columns}
    FROM read_parquet($source, file_row_number = true)
) TO $target (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {row_group_rows}{metadata});
