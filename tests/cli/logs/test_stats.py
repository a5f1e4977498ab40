import csv
import io
import json

import pytest


def test_a_table(run, reading):
    said = run("logs", "stats", "--from-dir", str(reading), "--by", "model")
    assert said.status == 0
    assert "the last 7 days" in said.err
    assert said.out.startswith("2 calls in 1 sessions, 1 failed; 16 tokens in, 4 out; p50 1.5 s, p99 1.5 s\n")
    assert "kimi" in said.out
    assert "failed: rate limited 1" in said.out


@pytest.mark.parametrize("by", ["day", "app", "model", "provider"])
def test_figures_for_programs(run, reading, by):
    found = json.loads(run("logs", "stats", "--from-dir", str(reading), "--by", by, "--format", "json").out)
    assert (found["by"], found["total"]["calls"], found["rows"][0]["kinds"]) == (by, 2, {"rate_limited": 1})
    [row] = csv.DictReader(
        io.StringIO(run("logs", "stats", "--from-dir", str(reading), "--by", by, "--format", "csv").out)
    )
    assert (row["calls"], row["errors"], row["latency_p90_ms"]) == ("2", "1", "1500.0")


def test_a_report(run, reading, here):
    said = run("logs", "stats", "--from-dir", str(reading), "--html", "report.html")
    assert "wrote report.html" in said.err
    assert "<svg" in (here / "report.html").read_text()


def test_nothing_found_says_so(run, empty, here):
    said = run("logs", "stats", "--from-dir", str(empty), "--html", "report.html")
    assert (said.status, said.out) == (0, "")
    assert "no call in" in said.err
    assert "No call in this time." in (here / "report.html").read_text()


@pytest.mark.parametrize(
    "wrong", [("--by", "hour"), ("--format", "xml"), ("--since", "soon"), ("--html", "no/where.html")]
)
def test_wrong_usage(run, reading, wrong):
    assert run("logs", "stats", "--from-dir", str(reading), *wrong).status == 2
