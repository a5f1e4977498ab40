import json

import pytest

KEY = "the-key-of-tests"  # PROXY_KEY in `here`


@pytest.fixture
def folder(here):
    day = here / "logs" / "2026-04-07"
    day.mkdir(parents=True)
    lines = [
        {"type": "response", "content": f"use {KEY}"},
        {"type": "response", "content": "SECRET 'abc'"},
        {"type": "x"},
    ]
    (day / "02-00-05-39.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return here / "logs"


def test_a_dry_run_says_what_there_is_then_it_goes_then_there_is_nothing(run, folder):
    told = "2026-04-07/02-00-05-39.jsonl: 2 records: content 2\n"
    before = (folder / "2026-04-07/02-00-05-39.jsonl").read_text()
    assert run("logs", "scrub", "--dry-run", str(folder)) == (
        1, f"{told}2 texts would be redacted in 2 records of 1 of 1 file\n", "",
    )  # fmt: skip
    assert (folder / "2026-04-07/02-00-05-39.jsonl").read_text() == before
    assert run("logs", "scrub", "logs") == (0, f"{told}2 texts redacted in 2 records of 1 of 1 file\n", "")
    assert (folder / "2026-04-07/02-00-05-39.jsonl").read_text().splitlines() == [
        '{"type":"response","content":"use [REDACTED]"}',
        '{"type":"response","content":"SECRET \'[REDACTED]\'"}',
        '{"type": "x"}',
    ]
    for options in ([], ["--dry-run"]):
        assert run("logs", "scrub", *options, str(folder)) == (0, "nothing to redact in 1 file\n", "")


@pytest.mark.parametrize("form", ["file://{}/logs/2026-04-07/02-00-05-39.jsonl", "{}/logs/2026-04-07"])
def test_a_url_and_a_folder_below(run, here, folder, form):
    assert run("logs", "scrub", form.format(here)).status == 0
    assert KEY not in (folder / "2026-04-07/02-00-05-39.jsonl").read_text()


def test_the_keys_of_another_configuration(run, here, folder, monkeypatch):
    (folder / "2026-04-07" / "02-00-05-39.jsonl").write_text('{"content":"of-another-provider-77"}\n')
    config = {"providers": {"other": {"endpoint": "http://127.0.0.1:1/v1/chat/completions", "api_key_env": "OTHER"}}}
    (here / "other.json").write_text(json.dumps(config))
    monkeypatch.setenv("OTHER", "of-another-provider-77")
    assert run("logs", "scrub", "logs").out == "nothing to redact in 1 file\n"
    assert run("logs", "scrub", "logs", "--config", "other.json").out.startswith(
        "2026-04-07/02-00-05-39.jsonl: 1 record"
    )


def test_a_file_that_cannot_be_read_is_a_finding(run, folder):
    (folder / "x.parquet").write_text("no parquet")
    said = run("logs", "scrub", str(folder))
    assert said.status == 1
    assert "x.parquet is left as it is" in said.err


def test_a_place_that_is_not_there(run):
    said = run("logs", "scrub", "nowhere")
    assert (said.status, said.out) == (2, "")
    assert "There is nothing at nowhere" in said.err
