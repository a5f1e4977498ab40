import os
import subprocess
import sys

import pytest
import typer

from open_llm_proxy.cli.output import answering, say_error, show, warn
from open_llm_proxy.config.problems import ConfigError, Problem
from open_llm_proxy.errors import UserError


def raising(error):
    def command():
        raise error

    return command


def status_of(command, extra=""):
    with pytest.raises(typer.Exit) as caught:
        answering(command, extra)()
    return caught.value.exit_code


def test_results_go_to_stdout_messages_to_stderr(capfd):
    show("a result")
    warn("a warning")
    sys.stdout.flush()
    assert capfd.readouterr() == ("a result\n", "open-llm-proxy: warning: a warning\n")


def test_a_number_is_the_exit_status_anything_else_is_handed_on():
    assert status_of(lambda: 7) == 7
    assert status_of(lambda: 0) == 0
    assert answering(lambda: "text")() == "text"
    assert answering(lambda: None)() is None


def test_parameters_are_handed_on_and_stay_seen():
    def command(one: int, two: str = "") -> str:
        """Do."""
        return f"{one}{two}"

    wrapped = answering(command)
    assert wrapped(1, two="b") == "1b"
    assert wrapped.__doc__ == "Do."
    assert wrapped.__annotations__ == command.__annotations__


def test_what_a_person_can_mend_is_a_line_with_the_remedy(capfd):
    assert status_of(raising(UserError("it is full", "Empty it", 5))) == 5
    assert capfd.readouterr().err == "open-llm-proxy: error: it is full. Empty it\n"


def test_each_mistake_of_a_configuration_is_a_line(capfd):
    say_error(ConfigError([Problem("a", "one"), Problem("b", "two")], "config.json"))
    assert len(capfd.readouterr().err.splitlines()) == 3


def test_a_missing_extra_is_named(capfd):
    error = ModuleNotFoundError("no module", name="duckdb")
    assert status_of(raising(error), "logs") == 2
    assert (
        "needs the package duckdb, which is not installed. Install it: pip install 'open-llm-proxy[logs]'"
        in capfd.readouterr().err
    )


@pytest.mark.parametrize(("name", "extra"), [("duckdb", ""), ("open_llm_proxy.nothing", "logs"), (None, "")])
def test_a_module_that_no_extra_brings_is_a_fault_of_ours(name, extra):
    with pytest.raises(ModuleNotFoundError):
        answering(raising(ModuleNotFoundError("no", name=name)), extra)()


def test_a_reader_who_has_enough_is_no_error():
    code = "from open_llm_proxy.cli.main import main; main(['version'])"
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")
