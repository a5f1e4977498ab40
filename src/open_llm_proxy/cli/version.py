"""``version``."""

from open_llm_proxy import __version__
from open_llm_proxy.cli.output import show


def version() -> None:
    """Print the version."""
    show(f"open-llm-proxy {__version__}")
