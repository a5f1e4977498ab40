"""How commands speak: messages to stderr, one line and the remedy; exit statuses as in docs/cli.md."""

import sys
from collections.abc import Callable
from typing import TypeVar

from open_llm_proxy.errors import UserError
from open_llm_proxy.telemetry import diagnostics

Result = TypeVar("Result")


def print_error(error: UserError) -> None:
    """All lines of an error, the remedy with it."""
    for line in getattr(error, "lines", None) or [str(error)]:
        diagnostics.say("error", line)


def guarded(command: Callable[[], int]) -> int:
    """The exit status of ``command``; what a person can mend is said, not raised."""
    try:
        return command()
    except UserError as error:
        print_error(error)
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def need_extra(extra: str, error: ImportError) -> UserError:
    """The error for a command whose extra is not installed."""
    return UserError(
        f"this command needs the extra `{extra}` ({error.name} is not installed)",
        f"Install it: pip install 'open-llm-proxy[{extra}]'",
    )
