#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["openai>=1.60", "mcp>=1.10", "httpx>=0.27", "rich>=13.9"]
# ///
"""Ask as an app asks: `pip install openai mcp httpx`, then `python agent_runner.py "QUESTION"`.

The same as `open-llm-proxy agent run`, from a checkout that is not installed; docs/agent.md tells the rest.
"""

import signal
import sys
from pathlib import Path

if hasattr(signal, "pthread_sigmask"):  # Ctrl-C waits until it is known which transcript is to be kept
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))


def run() -> int:
    """The exit status: docs/agent.md has the list."""
    if sys.version_info < (3, 11):  # noqa: UP036 - nothing has been installed that would have checked it
        sys.stderr.write("agent_runner.py needs Python 3.11 or newer\n")
        return 2
    try:
        from open_llm_proxy.agent.runner import main  # noqa: PLC0415 - its packages may be missing, Ctrl-C may come

        return main()
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        sys.stderr.write(f"agent_runner.py needs {error.name}: pip install openai mcp httpx\n")
        return 2
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the exit status stands; nothing is left to interrupt


if __name__ == "__main__":
    sys.exit(run())
