"""Raw records into Parquet, days into months: each step can be killed and run again, and gives the same rows.

- **job**: a day or a month that is to be done; the **plan** lists them from what a source holds, nothing else is kept.
- **workshop**: the temporary folder and the DuckDB connection that a job works in.
- **figures**: records, requests, responses and a checksum over ids: of a file's sources, and of the file itself.
- A **late** record belongs to a day that is done; a late **answer** came after midnight, to a request before it.

A job's source goes last: while a day has raw chunk files, or a month daily ones, it is not done, whatever else
is there.
"""
