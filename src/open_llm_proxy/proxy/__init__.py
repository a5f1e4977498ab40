"""One call's life, on top of ``http1``. Read ``call.py`` first.

The words, in the order a call meets them: **authenticate** (``auth``) → **peek** (``request``) → **route**
(``routing``) → **edit** (``edits``) → **attempt** (``attempts``) → **relay** (``relay``) → **capture** (``capture``).
``application`` is what a worker's connections share; ``endpoints`` are the few paths that we answer ourselves.

It may not know: records, object stores, DuckDB, processes.
"""
