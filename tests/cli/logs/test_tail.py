import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.parts.processes import plain_environment, run_program

COMMAND = Path(sys.executable).with_name("open-llm-proxy")


@pytest.fixture
def logs(here):
    folder = here / "logs"
    folder.mkdir()
    return folder


def put(folder, number, **more):
    """One call's records as a chunk file of today's."""
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    common = {"request_id": f"{number:032}", "timestamp": now.isoformat(), "model": "kimi"}
    day = folder / f"{now:%Y-%m-%d}"
    day.mkdir(exist_ok=True)
    records = [
        {"type": "request", "user_question": f"question {number}", **common},
        {"type": "response", "status": 200, **common, **more},
    ]
    part = day / "part"
    part.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    part.rename(day / f"{now:%H-%M-%S}-host-1-00ff.{number}.{number}.jsonl")


def test_the_last_calls(run, logs):
    for number in range(3):
        put(logs, number, error="x" if number == 1 else None)
    assert [line[-10:] for line in run("logs", "tail", "--from-dir", str(logs), "-n", "2").out.splitlines()][
        1
    ] == "question 2"
    assert run("logs", "tail", "--from-dir", str(logs), "--errors").out.count("\n") == 1
    records = run("logs", "tail", "--from-dir", str(logs), "--format", "json").out.splitlines()
    assert [json.loads(record)["type"] for record in records] == ["request", "response"] * 3


def test_an_empty_folder_says_so(run, logs):
    said = run("logs", "tail", "--from-dir", str(logs))
    assert (said.status, said.out) == (0, "")
    assert f"no such call in {logs}" in said.err


def test_wrong_usage(run, logs):
    assert run("logs", "tail", "--from-dir", "nowhere").status == 2
    assert run("logs", "tail", "--format", "xml", "--from-dir", str(logs)).status == 2


def test_it_follows_until_it_is_interrupted(logs):
    put(logs, 1)
    command = [COMMAND, "logs", "tail", "-f", "--from-dir", str(logs)]
    with run_program(command, env=plain_environment(logs), folder=logs) as program:
        program.wait_until(lambda: "question 1" in program.stdout, "the call that was there")
        put(logs, 2)
        program.wait_until(lambda: "question 2" in program.stdout, "the call that came")
        program.process.send_signal(signal.SIGINT)
        assert program.process.wait(10) == 130
        assert program.stderr == ""


def test_it_ends_when_nobody_reads_any_more(logs):
    put(logs, 1)
    read, write = os.pipe()
    command = [COMMAND, "logs", "tail", "-f", "--from-dir", str(logs)]
    with subprocess.Popen(command, stdout=write, stderr=subprocess.PIPE, env=plain_environment(logs)) as process:
        os.close(write)
        assert b"question 1" in os.read(read, 4096)
        os.close(read)
        assert process.wait(20) == 0
        assert process.stderr.read() == b""
