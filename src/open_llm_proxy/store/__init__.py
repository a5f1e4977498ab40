"""Format 2, from the recorder to the logs: the stored files, and the store that holds them.

- **chunk file**: records of one UTC day, one JSON line each, named by the spool segments that it was made of.
- **tier**: raw (chunk files), daily and monthly (Parquet).
- **layout** makes and reads the names; **connect** opens a store by its URL.
"""
