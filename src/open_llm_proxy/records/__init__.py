"""From frames to records: values in, one JSON line out; no files, no sockets, no clock.

The words, in the order data takes them:

- **context**: what a deployment says of its records: capture mode, caps, known keys, its host.
- **fields**: a request body's top-level fields, as the bytes they came in.
- **conversation**: what chat, responses and messages requests have in common: who said what, in which order.
- **record**: one of request, response, system_prompt, tools (``types``); **build** makes them.
- **scrub**: secrets out of every text, before it is cut to its cap; in names, in free text, in JSON in JSON.
- **omit**: inline binary data out, its size and hash in.
- **encode**: the line itself, never longer than a limit; **line**: the same for a person at a terminal.
"""
