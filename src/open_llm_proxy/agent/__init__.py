"""The agent: an app's session driven from the command line, through the proxy, with the tools of MCP servers.

- a **session** asks its model question after question; each call to the model is a **turn**;
- a turn may hold **tool calls**; a **tool source** answers each with a **tool result**, which goes back to the model;
- **events** tell what happens while it happens; the **transcript** is what is left, whatever the session's end.

What ``agent_runner.py`` needs of this package imports nothing but ``openai``, ``mcp``, ``httpx`` and the standard
library (Rich where it is there): it runs from a checkout, without an installation.
"""
