import shutil
import subprocess

import pytest


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_line_that_is_said_works_when_pasted(start):
    served = start("--demo", "--port", "0")
    line = served.line("^curl .*").group()
    answer = subprocess.run(line, shell=True, capture_output=True, text=True, check=True, timeout=30)
    assert "I am the demo model" in answer.stdout


@pytest.mark.slow
def test_it_is_a_process_of_its_own_and_is_started_again(start):
    served = start("--demo", "--port", "0")
    assert "stand-in" in served.call("demo")["choices"][0]["message"]["content"]
    before = served.child("demo")
    subprocess.run(["kill", "-9", str(before)], check=True)
    served.line("demo was killed by SIGKILL")
    served.child("demo", but=before)
    assert served.call("demo")
    assert served.end() == 0
    assert not any("demo ended" in line for line in served.lines)


def test_without_the_flag_there_is_none(start):
    served = start()
    assert served.refusal("demo") == 400
    assert served.children("demo") == []
