"""What the processes say of themselves: shared counters, metrics, and our own lines on stderr.

- **scoreboard**: counters in memory shared by all processes of one ``serve``, a slot a child; they survive a kill.
- **ledger**: behind it, calls in numbers: a **row** for each provider, model and key name; the recorder writes it.
- **exposition**: both as Prometheus metrics, read at each scrape.
- **diagnostics**: one-line messages on stderr, rate-limited where they could repeat.
"""
