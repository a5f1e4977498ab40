"""``agent``: the commands that drive a session through the proxy, a row and a module each."""

from typing import Final

from open_llm_proxy.cli.row import Row

COMMANDS: Final[dict[str, Row]] = {
    "run": Row("Ask a question as an app does: with tools, to the answer.", "agent", arguments_as_typed=True),
    "replay": Row(
        "Ask a session's questions again, with another model or prompt, and show both side by side.", "agent"
    ),
    "matrix": Row("Try questions with models and prompts, go on where a run was cut short, and report", "agent"),
}
