"""Format 1, from the proxy to the recorder: append-only files that survive ``kill -9``.

The words, in the order data takes them:

- **frame**: what the proxy notes of one request or one response: a small header and the raw body bytes.
- **segment**: a numbered file of frames, one writer; a header, then frames.
- **spool directory**: one worker start's segments, with a random name, locked while its writer lives.
- **writer**: appends whole frames with one ``writev`` a turn; rolls segments.
- **reader**: follows a segment; tells *more to come* from *torn* from *corrupt*.

This package knows no configuration, no HTTP and no JSON meaning.
"""
