"""open-llm-proxy: one URL in front of many LLM providers, with every call on record.

Two halves share only a file format:

- the **proxy** (``http1``, ``proxy``) answers calls and notes each in a **spool**;
- the **log side** (``answers``, ``records``, ``store``, ``recorder``) makes records of what was noted and ships them.

``serve`` wires both; ``cli`` is what a person types.
"""

__version__ = "0.1.0"  # pyproject.toml reads it here; importlib.metadata would cost each process 50 ms

__all__ = ["__version__"]
