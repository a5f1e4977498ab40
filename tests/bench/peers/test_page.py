from pathlib import Path

import pytest

from bench.peers import page
from bench.peers.result import Kill, Result


def find_row(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_the_recorder_is_shown_beside_what_serves(result: Result):
    cells = find_row(page.render_measures(result), "CPU a call, 1 KB in (µs)")
    assert cells == ["300 (45.0 serving, 255 recorder)", "30.0", "not run [^absent]"]


def test_latencies_are_less_what_the_provider_takes_itself(result: Result):
    cells = find_row(page.render_measures(result), "added latency, 1 connection, p50 / p99 (ms)")
    assert cells[0] == "0.09 / 0.12"
    assert cells[1] == "not measured"


def test_a_cell_without_a_number_says_why(result: Result):
    text = page.render_measures(result)
    assert find_row(text, "CPU a chunk of a stream (µs)")[1] == "failed"
    assert find_row(text, "CPU a call, HTTPS provider (µs)") == ["not measured", "no such option", "not run [^absent]"]
    assert "- other, chunk: failed: RigError: answered 500" in page.render_notes(result)
    assert "- absent 1.2 (Debian): cannot be had" in page.render_notes(result)


def test_fewer_streams_than_asked_for_are_said(result: Result):
    assert find_row(page.render_measures(result), "memory, 1,000 streams (MB)") == [
        "102",
        "500 with 640 open",
        "not run [^absent]",
    ]


def test_kills_are_counted_together(result: Result):
    text = page.render_kills(result)
    assert find_row(text, "**open-llm-proxy**") == ["two records, after a new start", "yes", "2", "3,000", "3,000", "0"]
    assert find_row(text, "other") == ["a log", "no", "1", "1,000", "900", "100 (10.00%)"]
    assert find_row(text, "absent") == ["-", "-", "0", "-", "-", "not run here"]


def test_ours_losing_a_call_would_be_shown(result: Result):
    result.kills[0].rounds.append(Kill(10, 9))
    assert find_row(page.render_kills(result), "**open-llm-proxy**")[-1] == "1 (0.03%)"


def test_documents_get_tables_summary_and_plot(tmp_path: Path, result: Result):
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "docs/performance.md"):
        (tmp_path / name).write_text(f"before\n{page.START}\nold\n{page.END}\nafter\n")
    page.put_in_documents(result, tmp_path)
    text = (tmp_path / "docs/performance.md").read_text()
    assert "\nold\n" not in text
    assert "[^absent]" not in text
    assert "Measured 2026-01-02 03:04 UTC by `make it`: cpu X; 2 rounds." in text
    assert text.endswith("\nafter\n")
    readme = (tmp_path / "README.md").read_text()
    assert "![CPU, memory and latency beside the peers](docs/peers.svg)" in readme
    assert "| other | 30.0 µs | 500 with 640 open | 100 of 1,000 |" in readme
    assert (tmp_path / "docs/peers.svg").read_text().startswith("<svg")


def test_the_repositorys_documents_have_the_markers():
    root = Path(__file__).parents[3]
    for name in ("README.md", "docs/performance.md"):
        text = (root / name).read_text()
        assert text.index(page.START) < text.index(page.END)


@pytest.mark.parametrize(("values", "middle"), [([3, 1, 2], 2), ([4, 1], 2.5)])
def test_the_median(values: list[float], middle: float):
    assert page.find_median(values) == middle
