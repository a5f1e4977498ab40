"""docs/agent.md, as a newcomer takes it: the walk-through's commands as printed, but for the ports."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.parts.ports import free_port, is_open
from tests.parts.processes import plain_environment, run_program, wait_until

from open_llm_proxy.agent import exits, plan_file
from open_llm_proxy.agent.settings import Settings
from open_llm_proxy.agent.transcript import ToolCall, ToolResult, Transcript, Turn

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "agent.md").read_text()
WALK = PAGE.partition("## Walk-through")[2].partition("\n## ")[0]
MAKE_RUN = "$(BIN)/open-llm-proxy serve --demo $(ARGS)"


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


class Clone(NamedTuple):
    """What a newcomer's clone has, with servers on ports of their own."""

    folder: Path
    ports: dict[str, str]

    def line(self, printed: str) -> str:
        for before, after in self.ports.items():
            printed = printed.replace(before, after)
        return printed

    def run(self, printed: str) -> subprocess.CompletedProcess[str]:
        env = plain_environment(self.folder)
        line = self.line(printed)
        return subprocess.run(
            line, shell=True, cwd=self.folder, env=env, capture_output=True, text=True, check=False, timeout=100
        )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """The first two terminals."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("src", "examples", "agent_runner.py", ".venv"):
        (folder / name).symlink_to(ROOT / name)
    made = Clone(folder, {"8002": str(free_port()), "8765": str(free_port())})
    proxy, server, *_ = blocks(WALK, "sh")
    assert MAKE_RUN in (ROOT / "Makefile").read_text()
    serve = proxy.replace("make run", f"exec .venv/bin/open-llm-proxy serve --demo --port {made.ports['8002']}")
    mcp = server.replace("mcp_server.py", f"mcp_server.py --port {made.ports['8765']}")
    env = plain_environment(folder) | {"METRICS_PORT": "0"}
    for name in ("one", "two"):
        (folder / name).mkdir()
    with (
        run_program(["sh", "-c", serve], env=env, folder=folder / "one", cwd=folder) as first,
        run_program(["sh", "-c", f"exec {mcp}"], env=env, folder=folder / "two", cwd=folder) as second,
    ):
        first.wait_until(lambda: "\ncurl " in first.stderr, "the proxy")
        second.wait_until(lambda: is_open(int(made.ports["8765"])), "the MCP server")
        yield made


def alike(shown: str) -> list[str]:
    """Without what differs from run to run."""
    for pattern in (
        r"\b[0-9a-f]{32}\b",
        r"call_demo_\w+",
        r"\d+\.\d\d s",
        r"[\d,]+ \+ \d+ tokens",
        r"127\.0\.0\.1:\d+",
    ):
        shown = re.sub(pattern, "…", shown)
    return [line.rstrip() for line in shown.splitlines()]


def test_the_walk_through(clone: Clone):
    _, _, question, conversation, lines = blocks(WALK, "sh")
    asked = clone.run(question)
    assert (asked.returncode, asked.stderr) == (0, "")
    (printed,) = blocks(WALK, "text")
    assert alike(asked.stdout) == alike(printed)
    saved = json.loads((clone.folder / "walk-1.json").read_text())
    assert saved["exit"]["reason"] == "answered"
    wait_until(lambda: clone.run(lines).stdout.count("\n") == 4, "the records of two calls")
    records = [json.loads(line) for line in clone.run(lines).stdout.splitlines()]
    assert {record["request_id"] for record in records} == {turn["request_id"] for turn in saved["turns"]}
    assert {record["origin"] for record in records} == {"https://parks.example.org/walk"}
    shown = clone.run(conversation)
    assert shown.returncode == 0, shown.stderr
    assert "How many parks are there?" in shown.stdout
    assert "SELECT 42 AS answer" in shown.stdout


def test_a_replay_and_a_matrix(clone: Clone):
    """The commands of the two sections, after the walk-through's question, in a session of its own."""
    _, _, question, _, lines, *replays = (
        printed.replace("walk-1", "walk-2") for printed in (*blocks(WALK, "sh"), *blocks(section("Replay"), "sh"))
    )
    assert clone.run(question).returncode == 0
    wait_until(lambda: clone.run(lines).stdout.count("\n") == 4, "the records of two calls")
    transcript, session = replays
    done = clone.run(transcript)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.rstrip().endswith("answered · nothing differs")
    done = clone.run(session)
    assert done.returncode == 0, done.stderr
    assert "was logged in summary mode: its system prompt is not in the records" in done.stderr
    assert "https://parks.example.org/walk/replay" in (clone.folder / "replay.md").read_text()
    (command,) = blocks(section("Matrix"), "sh")
    done = clone.run(command)
    assert done.returncode == 0, done.stderr
    assert "parks: 24 of 24 cells run · 8/16 50% passed" in done.stdout
    assert len(list((clone.folder / "runs" / "parks" / "cells").iterdir())) == 24


def test_the_plan_is_the_example_and_each_key_is_named():
    matrix = section("Matrix")
    assert blocks(matrix, "toml") == [(ROOT / "examples" / "parks.toml").read_text()]
    keys = {*plan_file._KEYS, *plan_file._MODEL_KEYS, *plan_file._PROMPT_KEYS, *plan_file._JUDGE_KEYS}
    tables = matrix.partition("| key |")[2]
    assert [key for key in sorted(keys | set(plan_file._GOLD_KEYS)) if f"`{key}`" not in tables] == []


def test_the_program(clone: Clone):
    program = clone.line(blocks(PAGE, "python")[0])
    env = plain_environment(clone.folder) | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Exit(code=0, reason='answered', message='') The tool gave: ")


def test_the_page_names_each_member_of_a_transcript_and_each_end():
    call = ToolCall("a", "f", "{}", result=ToolResult(""))
    saved = Transcript(Settings(), turns=[Turn(1, tool_calls=[call])]).to_json()
    turn = saved["turns"][0]
    names = [*saved, *turn, *turn["tool_calls"][0], *turn["tool_calls"][0]["result"], *saved["usage"]]
    section = PAGE.partition("## The transcript")[2].partition("\n## ")[0]
    assert [name for name in names if not re.search(rf"\b{name}\b", section)] == []
    ends = [end for end in vars(exits).values() if isinstance(end, exits.Exit)]
    table = PAGE.partition("## Exit status")[2].partition("\n## ")[0]
    assert [str(end.code) for end in ends] == re.findall(r"^\| (\d+) \|", table, re.MULTILINE)
    assert all(f"`{end.reason}`" in section for end in ends)
