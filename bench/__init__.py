"""The measuring rig: the proxy beside nginx, in CPU microseconds a call. ``python -m bench`` prints one table.

Its words, and their direction::

    Load ──▶ Side (nginx or the proxy: what is measured) ──▶ Provider (a stand-in that costs little)
                        │
              Round ──▶ Sample ──▶ Figure (with its bar and aim) ──▶ table

- **load**: what arrives: wrk with one static request, or streams of ours where wrk does not fit.
- **side**: what is measured. Its process that serves sits alone on the first core, all else shares the others.
- **provider**: `provider.c`, or an nginx with TLS.
- **round**: every side once, freshly started, in turning order; so what drifts, drifts for all.
- **sample**: what one side cost in one round, from the operating system's accounts.
- **figure**: a row of the table: the median over the rounds, with the bar that it must keep.

Linux only. Nothing here is imported by the product.
"""
