import subprocess
import sys

from open_llm_proxy import __version__


def test_the_package_is_a_command(tmp_path):
    command = [sys.executable, "-m", "open_llm_proxy", "version"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ended.stdout == f"open-llm-proxy {__version__}\n"
