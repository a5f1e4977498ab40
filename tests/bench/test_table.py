from pathlib import Path

import pytest

from bench import table
from bench.figures import Bar, Figure

FIGURES = [
    Figure(
        row=1,
        name="call",
        unit="µs",
        proxy=31.26,
        nginx=22,
        ratio=1.42,
        spread=(1.4, 1.5),
        bar=Bar(1.75, 1.5),
        note="wrk",
    ),
    Figure(row=8, name="streams at once", unit="MB", proxy=120.4, bar=Bar(100)),
]


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0, "0"), (1.426, "1.43"), (31.26, "31.3"), (1234.5, "1,234"), (-0.5, "-0.50")]
)
def test_numbers_keep_the_digits_that_count(value: float | None, text: str):
    assert table.format_number(value) == text


def test_the_text_table_is_aligned_and_says_what_it_was_measured_with():
    lines = table.render_text(FIGURES).splitlines()
    assert lines[0].split() == ["#", "figure", "proxy", "nginx", "ratio", "spread", "bar", "aim"]
    assert lines[1].split() == [
        "1",
        "call",
        "(µs)",
        "31.3",
        "22.0",
        "1.42",
        "1.40-1.50",
        "≤",
        "1.75",
        "1.50",
        "✓",
        "aim",
    ]
    assert lines[2].strip() == "wrk"
    assert lines[3].endswith("✗")
    assert lines[1].index("31.3") + 4 == lines[3].index("120") + 3


def test_the_markdown_table_goes_between_the_documents_markers(tmp_path: Path):
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{table.START}\nold\n{table.END}\nafter\n")
    table.put_in(document, table.render_markdown(FIGURES, {"cpu": "X"}, "2026-01-01"))
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| 1 | call (µs) | 31.3 | 22.0 | 1.42 | 1.40-1.50 | ≤ 1.75 | 1.50 | ✓ aim |" in text
    assert "Measured 2026-01-01: cpu X." in text
    table.put_in(document, "new")
    assert document.read_text() == f"before\n{table.START}\nnew\n{table.END}\nafter\n"


def test_a_document_without_markers_is_left_alone(tmp_path: Path):
    document = tmp_path / "page.md"
    document.write_text("text")
    with pytest.raises(ValueError, match="bench:start"):
        table.put_in(document, "new")
    assert document.read_text() == "text"
