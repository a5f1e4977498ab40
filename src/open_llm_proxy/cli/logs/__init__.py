"""``logs``: the commands that read what the proxy recorded, a row and a module each."""

from typing import Final

from open_llm_proxy.cli.row import Row

COMMANDS: Final[dict[str, Row]] = {
    "tail": Row("Show the last calls, newest last; -f goes on with those that come.", "logs"),
    "init": Row("Create the bucket or folder that chunk files go to, unless it is there."),
    "scrub": Row("Take secrets out of stored chunk files and Parquet files, as the recorder does of new ones.", "logs"),
}
