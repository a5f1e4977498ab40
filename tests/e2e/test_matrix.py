"""A matrix as its users run it: real proxy, real MCP server, models with a script; killed in the middle, and gone on."""

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.parts import answers
from tests.parts.mcp_server import RunningServer
from tests.parts.model_upstream import Hold, ModelUpstream, Seen, run_upstream
from tests.parts.processes import plain_environment, run_program, wait_until
from tests.parts.proxy import KEY, Proxy, provider, run_proxy

from open_llm_proxy import __version__

pytestmark = pytest.mark.slow

PROGRAM: Final = Path(sys.executable).with_name("open-llm-proxy")
PLAN: Final = """
name = "parks"
origin = "https://parks.example.org/app"
parallel = 2
repeats = 2
models = ["knows", "guesses"]

[judge]
model = "wise"

[[prompts]]
name = "plain"
[[prompts]]
name = "analyst"
mcp_prompt = "analyst"

[[questions]]
name = "count"
ask = "How many parks?"
gold = {numeric = 48}

[[questions]]
name = "why"
ask = "Why?"
gold = {judge = "gives a reason"}
"""
CELLS: Final = 16
FIRST: Final = 3


def reply(seen: Seen) -> list[bytes]:
    """Who knows asks the table; who guesses does not; who is wise finds every answer good that holds 48."""
    body = seen.json()
    last = body["messages"][-1]
    if body["model"] == "wise":
        verdict = {"passed": "48" in json.loads(last["content"])["answer"], "reason": "I looked"}
        return [answers.answer(answers.dump(answers.chat(json.dumps(verdict), model="wise-2026")))]
    if body["model"] == "guesses":
        return [answers.answer(answers.dump(answers.chat("Some 30", model="guesses-1")))]
    if last["role"] == "user":
        function = {"name": "query", "arguments": '{"sql": "SELECT count(*) AS n FROM parks"}'}
        called = {"id": "call_1", "type": "function", "function": function}
        return [answers.answer(answers.dump(answers.chat(None, model="knows-1", tool_calls=[called])))]
    return [answers.answer(answers.dump(answers.chat(f"There are {last['content']}", model="knows-1")))]


@pytest.fixture(scope="module")
def upstream() -> Iterator[ModelUpstream]:
    with run_upstream() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(upstream: ModelUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with run_proxy(tmp_path_factory.mktemp("proxy"), provider(upstream.endpoint)) as running:
        yield running


def command(proxy: Proxy, parks: RunningServer, folder: Path) -> list[str | Path]:
    (folder / "parks.toml").write_text(PLAN)
    places = ["--proxy-url", proxy.base_url, "--api-key", KEY, "--mcp-url", parks.url]
    return [PROGRAM, "agent", "matrix", "parks.toml", *places]


def run(arguments: list[Any], folder: Path) -> subprocess.CompletedProcess[str]:
    env = plain_environment(folder)
    return subprocess.run(arguments, env=env, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


def asked(upstream: ModelUpstream) -> Counter[str]:
    """Sessions of cells that were begun, by their id."""
    bodies = [seen.json() for seen in upstream.seen]
    return Counter(
        body["user"] for body in bodies if body["model"] != "wise" and body["messages"][-1]["role"] == "user"
    )


def test_killed_in_the_middle_it_goes_on(proxy: Proxy, parks: RunningServer, upstream: ModelUpstream, tmp_path: Path):
    """kill -9 while cells run: what had ended is kept, what ran is run again, and the report is as if nothing had been."""
    held, cells = threading.Event(), tmp_path / "runs" / "parks" / "cells"

    def hold(seen: Seen) -> list[Any]:
        ended = len(list(cells.glob("*.json"))) >= FIRST
        return [Hold(held), *reply(seen)] if ended else reply(seen)

    upstream.ordinarily = hold
    arguments = command(proxy, parks, tmp_path)
    with run_program(arguments, env=plain_environment(tmp_path), folder=tmp_path) as program:
        program.wait_until(lambda: len(list(cells.glob("*.json"))) >= FIRST, "the first cells")
        program.process.send_signal(signal.SIGKILL)
        program.process.wait(20)
    kept = {path.stem: json.loads(path.read_text()) for path in cells.glob("*.json")}
    assert FIRST <= len(kept) < CELLS
    held.set()
    upstream.reset()
    upstream.ordinarily = reply

    done = run(arguments, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "parks: 16 of 16 cells run · 8/16 50% passed" in done.stdout
    again = {path.stem: json.loads(path.read_text()) for path in cells.glob("*.json")}
    assert len(again) == CELLS
    assert all(again[name]["session_id"] == saved["session_id"] for name, saved in kept.items())
    assert asked(upstream) == {saved["session_id"]: 1 for name, saved in again.items() if name not in kept}
    assert_tagged(proxy, again, tmp_path)
    assert_reported(tmp_path / "runs" / "parks")
    upstream.reset()
    assert run(arguments, tmp_path).returncode == 0
    assert upstream.seen == []


def assert_tagged(proxy: Proxy, cells: dict[str, Any], folder: Path) -> None:
    """The records' roll-up tells cells, and the judge's calls, from each other and from real traffic by ``run_tag``."""
    for saved in cells.values():
        proxy.records_of(saved["turns"][-1]["request_id"])
    for name in cells:
        if name.startswith("why."):
            proxy.records_of(
                json.loads((folder / "runs" / "parks" / "judge" / f"{name}.json").read_text())["turns"][0]["request_id"]
            )
    query = "SELECT run_tag, app, session_id, model, question FROM sessions WHERE status = 'ok'"
    asked = run([PROGRAM, "logs", "query", query, "--from-dir", proxy.log_dir, "--format", "json"], folder)
    rows = {row["session_id"]: row for row in json.loads(asked.stdout)}
    for name, saved in cells.items():
        row = rows.pop(saved["session_id"])
        assert (row["run_tag"], row["app"]) == (f"/app/matrix/parks/{name}", "parks")
        assert row["run_tag"] == saved["cell"]["run_tag"]
        judged = (saved["verdict"] or {}).get("judge")
        if judged is not None:
            assert rows[judged["session_id"]]["run_tag"] == f"/app/judge/parks/{name}"
            assert json.loads(rows[judged["session_id"]]["question"])["criterion"] == "gives a reason"


def assert_reported(folder: Path) -> None:
    text, page = (folder / "report.md").read_text(), (folder / "report.html").read_text()
    for told in (text, page):
        assert f"open-llm-proxy {__version__}" in told
        for version in ("knows-1", "guesses-1", "wise-2026", "parks 1.0"):
            assert version in told
    assert "| knows | plain | 4/4 100% | 51%-100% | 4/4 |" in text
    assert "| guesses | analyst | 0/4 0% | 0%-49% | 4/4 |" in text
    assert page.count("<article") == CELLS


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_keeps_what_there_is(
    proxy: Proxy, parks: RunningServer, upstream: ModelUpstream, tmp_path: Path
):
    upstream.reset()
    held = threading.Event()
    cells = tmp_path / "runs" / "parks" / "cells"
    upstream.ordinarily = lambda seen: (
        [Hold(held), *reply(seen)] if len(list(cells.glob("*.json"))) >= 1 else reply(seen)
    )
    arguments = command(proxy, parks, tmp_path)
    with run_program(arguments, env=plain_environment(tmp_path), folder=tmp_path) as program:
        program.wait_until(lambda: list(cells.glob("*.json")), "the first cell")
        before = len(upstream.seen)
        wait_until(lambda: len(upstream.seen) > before or len(upstream.seen) >= 3, "cells that run")
        assert program.stop(signal.SIGINT) == 130
        assert "interrupted: " in program.stderr
        assert " cells run" in program.stdout
    held.set()
    assert (tmp_path / "runs" / "parks" / "report.html").exists()


@pytest.mark.slow
def test_a_proxy_that_is_down_is_4_and_the_next_run_goes_on(
    proxy: Proxy, parks: RunningServer, upstream: ModelUpstream, tmp_path: Path
):
    upstream.reset()
    upstream.ordinarily = reply
    arguments = command(proxy, parks, tmp_path)
    (tmp_path / "parks.toml").write_text(PLAN.replace("repeats = 2", "repeats = 1"))
    down = [argument if argument != proxy.base_url else "http://127.0.0.1:9/v1" for argument in arguments]
    done = run(down, tmp_path)
    assert done.returncode == 4
    assert "8 cells are left; the same command goes on" in done.stderr
    done = run(arguments, tmp_path)
    assert done.returncode == 0
    assert "8 of 8 cells run" in done.stdout
