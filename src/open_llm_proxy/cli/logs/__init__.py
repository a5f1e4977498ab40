"""``logs``: the commands that read what the proxy recorded, a row and a module each."""

from typing import Final

from open_llm_proxy.cli.row import Row

COMMANDS: Final[dict[str, Row]] = {
    "init": Row("Create the bucket or folder that chunk files go to, unless it is there."),
}
