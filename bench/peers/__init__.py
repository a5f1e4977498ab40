"""The proxy beside its peers. ``python -m bench.peers`` prints the tables, and puts them and a plot into the documents.

Its words, and their direction::

    Load ──▶ Peer (a row of data: how it is written, started, told to log) ──▶ Upstream (the stand-in, at one port)
                 │
        Round ──▶ Reading ──▶ Result (JSON in bench/results) ──▶ page (Markdown), plot (SVG)

- **peer**: something that stands between clients and providers, started as its users start it, with their logging.
- **tree**: a peer's process with all that descends from it. Its CPU and memory count, whichever process has them.
- **upstream**: the provider's stand-in; it takes another script while the peer runs on: one start serves many rows.
- **reading**: what one peer came to in one round; the tables show medians over the rounds.
- **killing**: SIGKILL to the whole tree under load, then a count of what its record still holds.

What cannot be measured is not guessed: the cell says why. Nothing here is imported by the product.
"""
