"""The processes of one ``open-llm-proxy serve``, and what passes between them. The only package that knows both halves.

- **supervisor**: reads the configuration, holds the listening sockets, starts children and starts them again.
- **child**: one process of ours, as the supervisor sees it: a **worker** (answers calls), the **recorder** (turns the
  spool into records), with ``--demo`` the **demo** upstream.
- **inheritance**: what a child is born with: its **slot**, a listening socket, the scoreboard, the control channel.
- **control**: the messages on that channel: begin, **reload**, **drain**, **stop** down; ready, refused up. Its end
  means that the supervisor is gone.

A child never reads the configuration: it gets the accepted snapshot.
"""
