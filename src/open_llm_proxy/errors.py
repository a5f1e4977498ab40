"""The root of every exception that this project raises on purpose.

::

    OpenLlmProxyError
    ├── UserError                            a person can mend it: said in one line, with the remedy
    │   ├── config.problems.ConfigError      all mistakes of a configuration at once
    │   └── agent.plan_table.PlanError       all mistakes of a plan at once
    ├── http1.errors.ProtocolError           the peer broke HTTP: carries the status to answer with
    │   └── http1.errors.UpstreamProtocolError
    ├── proxy.errors.Refusal                 a call is not served: a row of docs/errors.md
    ├── spool.frame.FrameError               a segment holds something that is no frame
    │   ├── spool.frame.UnreadableHeaderError    a frame whose header this version cannot read
    │   └── spool.segment.UnknownFormatError     a segment of another format
    ├── recorder.sinks.SinkError             a sink did not take a file
    ├── serve.control.ControlError           supervisor and child do not understand each other
    ├── serve.inheritance.InheritanceError   a child was started by something else than the supervisor
    ├── logs.condense.figures.CondenseError  a file does not hold what its sources do: they stay
    └── agent.exits.SessionError             a session with a model cannot go on: carries how it ends
        ├── agent.budget.BudgetError             what it may spend is spent
        ├── agent.exits.ModelError               the proxy or the model gave no answer
        └── agent.exits.McpError                 an MCP server is not there, or lacks what was asked for
            └── agent.exits.LostError                its session is gone, and what was asked has no answer
"""

from typing import Final

EXIT_OK: Final = 0
EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2


class OpenLlmProxyError(Exception):
    """Base of the project's own exceptions."""


class UserError(OpenLlmProxyError):
    """Something that the person at the command line can mend.

    Args:
        message: What is wrong, one line.
        remedy: What to do about it, one line; empty when the message says it.
        exit_code: The process's exit status (2: usage or configuration).
    """

    def __init__(self, message: str, remedy: str = "", exit_code: int = EXIT_USAGE) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message
