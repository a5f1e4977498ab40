"""The README, as a newcomer takes it: its commands, its configuration, its client and its query, as printed."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from tests.parts.processes import Program, plain_environment, run_program
from tests.parts.requirement import require

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^    ((?:make|open-llm-proxy) .*?)(?:  +#.*)?$", README, re.MULTILINE)


def block(language: str) -> str:
    (text,) = (text for kind, text in BLOCKS if kind == language)
    return text


class Demo(NamedTuple):
    program: Program
    url: str
    key: str
    logs: Path
    curl: str


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """What ``make run`` started, and what it printed."""
    require("curl")
    home = tmp_path_factory.mktemp("newcomer")
    logs = home / "logs"
    env = plain_environment(home) | {"LOG_DIR": str(logs), "SPOOL_DIR": str(home / "spool"), "METRICS_PORT": "0"}
    with run_program(["make", "run", "ARGS=--port 0"], env=env, folder=home, cwd=ROOT) as program:
        program.wait_until(lambda: "\ncurl " in program.stderr, "the line to paste")
        said = program.stderr
        (url,) = re.findall(r"listening on (http://127\.0\.0\.1:\d+)$", said, re.MULTILINE)
        (key,) = re.findall(r"key +(sk-demo-\S+)$", said, re.MULTILINE)
        (curl,) = re.findall(r"^curl .*$", said, re.MULTILINE)
        yield Demo(program, url, key, logs, curl)


def test_the_first_two_commands_are_make_run_and_make_test():
    assert COMMANDS[:2] == ["make run", "make test"]


def test_it_prints_what_the_readme_says(demo):
    printed = re.findall(r"^    (open-llm-proxy: \w+)", README, re.MULTILINE)
    assert printed == [
        "open-llm-proxy: listening",
        "open-llm-proxy: key",
        "open-llm-proxy: records",
        "open-llm-proxy: try",
    ]
    for start in printed:
        assert re.search(rf"^{start}\b", demo.program.stderr, re.MULTILINE)
    assert f"records    {demo.logs} (a file every 2 s)" in demo.program.stderr


def test_the_line_to_paste_works_and_its_records_come(demo):
    pasted = subprocess.run(demo.curl, shell=True, capture_output=True, text=True, check=True, timeout=20)
    answer = json.loads(pasted.stdout)
    assert answer["choices"][0]["message"]["content"]
    demo.program.wait_until(lambda: _records(demo, answer["id"]), "the call's two records in LOG_DIR")
    query = block("sql").replace("logs/*/*.jsonl", f"{demo.logs}/*/*.jsonl")
    rows = duckdb.sql(query).fetchall()
    assert {row[1] for row in rows} == {"request", "response"}


def test_each_way_to_query_finds_that_call(demo):
    pasted = subprocess.run(demo.curl, shell=True, capture_output=True, text=True, check=True, timeout=20)
    completion_id = json.loads(pasted.stdout)["id"]
    demo.program.wait_until(lambda: _records(demo, completion_id), "the call's two records in LOG_DIR")
    commands = [command for command in COMMANDS if command.startswith("open-llm-proxy logs ")]
    assert len(commands) == 3
    for command in commands:
        argv = [str(Path(sys.executable).with_name("open-llm-proxy")), *shlex.split(command)[1:]]
        env = plain_environment(demo.logs.parent) | {"LOG_DIR": str(demo.logs)}
        said = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
        assert "demo" in said, command


def _records(demo: Demo, completion_id: str) -> bool:
    lines = [json.loads(line) for file in demo.logs.glob("*/*.jsonl") for line in file.read_text().splitlines()]
    ids = {line["request_id"] for line in lines if line.get("completion_id") == completion_id}
    return any(line["type"] == "request" and line["request_id"] in ids for line in lines)


def test_the_client_streams(demo):
    code = block("python").replace("http://127.0.0.1:8002", demo.url).replace("YOUR-PROXY-KEY", demo.key)
    assert demo.url in code
    assert demo.key in code
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert "Hello" in said.stdout or len(said.stdout) > 10


def test_the_config_is_a_whole_one(tmp_path):
    (tmp_path / "config.json").write_text(block("json"))
    env = plain_environment(tmp_path) | {"NRP_API_KEY": "k", "PROXY_KEY": "k"}
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    assert "open-llm-proxy check" in COMMANDS
    said = subprocess.run(
        shlex.split("open-llm-proxy check"),
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    routes = [line.partition(";")[0] for line in said.stdout.splitlines()]
    assert routes == ["kimi -> nrp (exact)", "qwen3 -> nrp (exact)", "glm-4.7 -> nrp (exact)"]


def test_every_page_that_is_linked_is_there():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "LOGGING.md", ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links {target}"
