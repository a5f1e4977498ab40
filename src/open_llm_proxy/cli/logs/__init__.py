"""``logs``: the commands that read what the proxy recorded, a row and a module each."""

from typing import Final

from open_llm_proxy.cli.row import Row

COMMANDS: Final[dict[str, Row]] = {
    "query": Row("Answer a question in SQL over what was recorded: table, CSV, JSON, Parquet, Markdown.", "logs"),
    "sql": Row("Ask in SQL at a prompt with history and completion; or what comes by a pipe.", "logs"),
    "show": Row(
        "Show one conversation as a person reads it: in the terminal, as Markdown, one HTML page or JSON.", "logs"
    ),
    "sessions": Row(
        "List the sessions of the last 7 days, newest first: question, app, model, turns, tokens, cost, status.", "logs"
    ),
    "tail": Row("Show the last calls, newest last; -f goes on with those that come.", "logs"),
    "stats": Row(
        "Show calls, errors, tokens, cost, and latency percentiles of the last 7 days; --html writes a report.", "logs"
    ),
    "condense": Row("Make Parquet files of days that are over, then of months; merge what came late.", "logs"),
    "verify": Row("Check records: pairs, doubles, torn lines, schema drift, secrets, tables; 1: findings.", "logs"),
    "sync": Row("Copy what has changed, raw and Parquet files, between any two of folder and bucket.", "logs"),
    "init": Row("Create the bucket or folder that chunk files go to, unless it is there."),
    "scrub": Row("Take secrets out of stored chunk files and Parquet files, as the recorder does of new ones.", "logs"),
}
