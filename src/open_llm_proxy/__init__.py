"""open-llm-proxy: one URL in front of many LLM providers, with every call on record.

Two halves share only a file format:

- the **proxy** (``http1``, ``proxy``) answers calls and notes each in a **spool**;
- the **log side** (``answers``, ``records``, ``store``, ``recorder``) makes records of what was noted and ships them.

``serve`` wires both; ``cli`` is what a person types.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("open-llm-proxy")
except PackageNotFoundError:  # a checkout on the path, not installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
