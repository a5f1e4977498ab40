"""From the spool to stdout and the store: a process of its own whose only state is files.

The words, in the order data takes them:

- **follow**: finds writers' directories and their segments, reads frames as they become whole.
- **rendering**: a frame's records, as JSON lines.
- **fold**: a chunk file in the making, from a run of segments of one directory and one UTC day.
- **outbox**: finished chunk files; each got the name it keeps, then its segments were deleted.
- **shipping**: takes them from the outbox to the **sink**, in order, until they are confirmed.
- **progress**: which frame is being worked on, so that one that kills the recorder is set aside.
- **recorder**: the loop over all of them.

Whichever process is killed wherever: a frame's records are in the store once. Before its chunk file is in the outbox
the segment is read again from where the outbox ends; afterwards the segment only needs deleting.
"""
