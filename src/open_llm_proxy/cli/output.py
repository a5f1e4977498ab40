"""How commands speak: results on stdout, messages on stderr, an error as one line with its remedy, exit statuses."""

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from open_llm_proxy.errors import EXIT_OK, EXIT_USAGE, UserError
from open_llm_proxy.telemetry import diagnostics

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

PACKAGE = "open_llm_proxy"


def show(line: str) -> None:
    """One line of a result."""
    sys.stdout.write(f"{line}\n")


def warn(message: str) -> None:
    """Something that is probably not meant, but works."""
    diagnostics.say("warning", message)


def say_error(error: UserError) -> None:
    """What is wrong and the remedy; of a wrong configuration a line a mistake."""
    for line in str(error).splitlines():
        diagnostics.say("error", line)


def answering(command: Callable[Parameters, Result], extra: str = "") -> Callable[Parameters, Result]:
    """``command``, ending the process as docs/cli.md has it: a whole number that it returns is the exit status.

    Args:
        command: What to wrap.
        extra: The extra whose packages it imports; one that is missing is an error that names it.
    """

    @functools.wraps(command)
    def answer(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            result = command(*args, **kwargs)
            sys.stdout.flush()
        except UserError as error:
            say_error(error)
            raise typer.Exit(error.exit_code) from error
        except BrokenPipeError as error:  # `… | head`: nobody wants the rest
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(EXIT_OK) from error
        except ModuleNotFoundError as error:
            if not extra or (error.name or "").startswith(PACKAGE):
                raise
            say_error(missing_extra(extra, error.name or ""))
            raise typer.Exit(EXIT_USAGE) from error
        if isinstance(result, int):
            raise typer.Exit(result)
        return result

    return answer


def missing_extra(extra: str, package: str) -> UserError:
    """The error of a command whose extra is not installed."""
    return UserError(
        f"this command needs the package {package}, which is not installed",
        f"Install it: pip install '{PACKAGE.replace('_', '-')}[{extra}]'",
    )
