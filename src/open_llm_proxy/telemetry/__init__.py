"""What the processes say of themselves: shared counters, and our own lines on stderr.

- **scoreboard**: counters in memory shared by all processes of one ``serve``, a slot a child; they survive a kill.
- **diagnostics**: one-line messages on stderr, rate-limited where they could repeat.
"""
