"""Coverage-guided fuzzing of what reads bytes that others write: ``python -m fuzz TARGET [--seconds N]``.

A target is one function of bytes; it may raise nothing, and its asserts are properties. Inputs that found new ground
are kept in ``corpus/``, so that the next run begins where the last one ended.
"""
