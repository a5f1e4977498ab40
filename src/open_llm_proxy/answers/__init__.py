"""What a provider's answer says: captured bytes in, one ``Answer`` out, whatever the API and however it was sent.

The words, in the order data takes them:

- **decode**: content codings taken off, within a bound.
- **event**: one server-sent event of a stream (``sse``).
- **api**: which of the known shapes an endpoint speaks: chat, completions, responses, messages, other.
- **assemble**: a whole body, or the deltas of a stream, put together to an **answer** with its **choices**.
- **usage**: the provider's token counts under one set of names.

Captured bytes may be cut, broken off or malformed: nothing here raises on them; what can be read is read. This package
knows no frames, no records and no configuration.
"""
