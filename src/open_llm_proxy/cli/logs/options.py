"""Options that the commands which read records have in common."""

from typing import Annotated

import typer

FromDirOption = Annotated[
    str | None,
    typer.Option("--from-dir", metavar="DIR", help="Folder with records; else $LOGS_*, the proxy's variables, ./logs."),
]
StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="Bucket with records: s3://BUCKET/PREFIX, gs://…, az://….")
]
SinceOption = Annotated[str | None, typer.Option("--since", metavar="AGE", help="No older than: 30m, 12h, 7d, 2w.")]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="From this date or instant on (UTC, ISO 8601).")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="Up to this date, inclusive, or instant, exclusive.")
]
OriginOption = Annotated[
    str | None, typer.Option("--origin", metavar="TEXT", help="Only of apps whose origin holds this.")
]
ModelOption = Annotated[
    str | None, typer.Option("--model", metavar="TEXT", help="Only of models whose name holds this.")
]
ErrorsOption = Annotated[bool, typer.Option("--errors", help="Only what went wrong.")]
OutputOption = Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")]
FormOption = Annotated[
    str | None,
    typer.Option("--format", metavar="table|csv|json|jsonl|parquet|markdown", help="Else by FILE's ending; or table."),
]
