"""From a frame to the JSON lines that users know (pure: values in, values out).

**build** makes a **record** of a frame; **questions** reads what a request asks; **scrub** takes secrets out, before
anything leaves the spool; **line** is a record as one short line for a terminal.
"""
