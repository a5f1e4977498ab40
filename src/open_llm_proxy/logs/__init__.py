"""Reading the records back: what was said, by whom, at what cost, and what broke. No HTTP and no terminal here.

- **source**: a folder or bucket with stored files; **window**: the time that is asked for.
- **view**: ``records``, ``turns``, ``sessions``, ``system_prompts``, over raw and condensed files alike.
- **call**: a request record and its response; **turn**: a call as a part of a conversation.
- **conversation**: one thread of turns, each message in it once; **export**: it as Markdown, HTML or JSON.
"""
