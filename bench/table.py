"""The table: for the terminal, and as Markdown for docs/performance.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.figures import Figure

_HEAD = ("#", "figure", "proxy", "nginx", "ratio", "spread", "bar", "aim", "")
_MARKS = {"aim": "✓ aim", "bar": "✓", "missed": "✗", "printed": ""}
START, END = "<!-- bench:start -->", "<!-- bench:end -->"


def format_number(value: float | None) -> str:
    """Three digits that count, no more."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _list_cells(figure: Figure) -> tuple[str, ...]:
    spread = f"{figure.spread[0]:.2f}-{figure.spread[1]:.2f}" if figure.spread else ""
    aim = format_number(figure.bar.aim) if figure.bar else ""
    return (
        str(figure.row),
        f"{figure.name} ({figure.unit})" if figure.unit else figure.name,
        format_number(figure.proxy),
        format_number(figure.nginx),
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
        spread,
        str(figure.bar or ""),
        aim,
        _MARKS[figure.verdict],
    )


def render_text(figures: Sequence[Figure]) -> str:
    """Aligned columns, with what each figure was measured with below it."""
    rows = [_HEAD, *map(_list_cells, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [_align(rows[0], widths)]
    for figure, cells in zip(figures, rows[1:], strict=True):
        lines.append(_align(cells, widths))
        if figure.note:
            lines.append(f"{'':{widths[0]}}    {figure.note}")
    return "\n".join(lines)


def _align(cells: Sequence[str], widths: Sequence[int]) -> str:
    left = {1, len(cells) - 1}
    parts = (
        cell.ljust(width) if column in left else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(parts).rstrip()


def render_markdown(figures: Sequence[Figure], machine: Mapping[str, str], day: str) -> str:
    """The table as it stands in the documents, and what it was measured on."""
    lines = [f"| {' | '.join(_HEAD)} |", f"|{'---|' * len(_HEAD)}"]
    lines += [f"| {' | '.join(_list_cells(figure))} |" for figure in figures]
    notes = [f"- {figure.row}, {figure.name}: {figure.note}" for figure in figures if figure.note]
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    return "\n".join([*lines, "", f"Measured {day}: {facts}.", "", *notes])


def put_in(document: Path, table: str, start: str = START, end: str = END) -> None:
    """Put the table between the document's markers.

    Raises:
        ValueError: it has none.
    """
    text = document.read_text()
    before, first, rest = text.partition(start)
    _, last, after = rest.partition(end)
    if not first or not last:
        raise ValueError(f"{document} has no {start} … {end}")
    document.write_text(f"{before}{start}\n{table}\n{end}{after}")
