"""HTTP/1.1 on both sides of a proxy (RFC 9110, RFC 9112); this package never heard of a model.

The words, in the order bytes meet them:

- **head**: request line or status line and fields, parsed by llhttp from bytes that hold nothing else.
- **body**: Content-Length counted, chunked decoded, read to the end of the connection where it must be.
- **reader** (``connection``): bytes in, head and pieces out, what is left over held back; no transport.
- **downstream**: one client connection; **upstream**: one connection to a provider, kept in a **pool**.
- **turn** (``flow``): the writes of one turn of the event loop that must wait for what has to be on disk before them.

It may not know: configuration, JSON, models, providers, frames.
"""
