"""A provider's answer as captured bytes, read: pure functions, nothing here raises on what a provider sends.

**decode** undoes content codings; **sse** parses an event stream; **assemble** puts deltas together, so that a streamed
answer reads as the same **answer** as a plain one; **usage** finds the numbers.
"""
