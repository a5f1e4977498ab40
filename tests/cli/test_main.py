import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from open_llm_proxy import __version__
from open_llm_proxy.cli import agent, logs
from open_llm_proxy.cli.main import COMMANDS, make_app
from open_llm_proxy.cli.row import Row

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"
PATHS = [
    *COMMANDS,
    *(f"logs {name}" for name in logs.COMMANDS),
    *(f"agent {name}" for name in agent.COMMANDS),
]
HEAVY = {"asyncio", "ssl", "msgspec", "uvloop", "httptools", "obstore", "rich", "duckdb"}


def test_help_lists_every_command(run):
    said = run("--help")
    assert said.status == 0
    for name, row in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(row.help[:40])}", said.out, re.MULTILINE)


def test_no_command_is_wrong_usage_and_shows_help(run):
    said = run()
    assert said.status == 2
    assert "Commands:" in said.out + said.err


@pytest.mark.parametrize("arguments", [("nope",), ("serve", "--nope"), ("serve", "--port", "many"), ("version", "x")])
def test_wrong_usage(run, arguments):
    said = run(*arguments)
    assert said.status == 2
    assert said.out == ""
    assert "Error" in said.err


def test_the_version_as_an_option(run):
    assert run("--version") == (0, f"open-llm-proxy {__version__}\n", "")


def row_of(path):
    group, _, name = path.partition(" ")
    return {"logs": logs.COMMANDS, "agent": agent.COMMANDS}[group][name] if name else COMMANDS[group]


@pytest.mark.parametrize("path", PATHS)
def test_each_command_has_help_of_its_own(run, path):
    said = run(*path.split(), "--help")
    assert said.status == 0
    assert f"Usage: open-llm-proxy {path}" in said.out
    assert row_of(path).help in " ".join(said.out.split())


@pytest.mark.parametrize("path", PATHS)
def test_the_documents_name_each_command_and_flag(run, path):
    documented = DOCS.read_text()
    assert f"`open-llm-proxy {path}" in documented
    flags = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", run(*path.split(), "--help").out, re.MULTILINE)) - {"--help"}
    missing = {flag for flag in flags if not re.search(rf"`[^`]*{flag}\b[^`]*`", documented)}
    assert not missing


@pytest.mark.parametrize(
    "arguments",
    ["['--help']", "['logs', '--help']", "['agent', '--help']", *(f"{[*path.split(), '--help']}" for path in PATHS)],
)
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys; from open_llm_proxy.cli.main import main\n"
        f"try: main({arguments})\n"
        "except SystemExit: sys.stderr.write(' '.join(sys.modules))"
    )
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.split()
    assert not {name for name in listed if name.split(".")[0] in HEAVY}
    ours = {name for name in listed if name.startswith("open_llm_proxy.") and ".cli" not in name}
    options = {
        "open_llm_proxy.agent",
        "open_llm_proxy.agent.options",
        "open_llm_proxy.agent.settings",
        "open_llm_proxy.agent.jsonvalues",
    }
    assert (
        ours <= {"open_llm_proxy.errors", "open_llm_proxy.telemetry", "open_llm_proxy.telemetry.diagnostics"} | options
    )


def test_a_group_of_commands_is_a_row_too(monkeypatch):
    said = []
    modules = {
        "many": {"one": Row("The first."), "two": Row("The second.")},
        "two": lambda: said.append("two"),
    }
    asked = []

    def load(package, name):
        asked.append((package, name))
        return modules[name]

    monkeypatch.setattr("open_llm_proxy.cli.main._load", load)
    app = make_app(["many", "two"], {**COMMANDS, "many": Row("Do many things.")})
    with pytest.raises(SystemExit):
        app(args=["many", "two"])
    assert said == ["two"]
    assert asked == [("open_llm_proxy.cli", "many"), ("open_llm_proxy.cli.many", "two")]


def test_a_command_whose_extra_is_missing_says_which(monkeypatch, capfd):
    def load(*_):
        raise ModuleNotFoundError("no", name="duckdb")

    monkeypatch.setattr("open_llm_proxy.cli.main._load", load)
    with pytest.raises(typer.Exit) as caught:
        make_app(["many"], {"many": Row("Do many things.", "logs")})
    assert caught.value.exit_code == 2
    assert "pip install 'open-llm-proxy[logs]'" in capfd.readouterr().err
