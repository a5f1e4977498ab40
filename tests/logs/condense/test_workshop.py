import signal
import subprocess
import sys

import pytest

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.condense.workshop import PREFIX, open_workshop, sweep

HOLD = """
import sys, time
from pathlib import Path
from open_llm_proxy.logs.condense.workshop import open_workshop
with open_workshop(Path(sys.argv[1])) as folder:
    (folder / "left").write_text("x")
    print(folder, flush=True)
    time.sleep(60)
"""


def test_the_folder_goes_with_the_block(tmp_path):
    with open_workshop(tmp_path) as folder:
        (folder / "spill").mkdir()
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed_and_what_a_running_one_has_is_not(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        left = process.stdout.readline().strip()
        assert sweep(tmp_path) == []
        process.send_signal(signal.SIGKILL)
        process.wait()
    with open_workshop(tmp_path) as folder:
        assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert left.startswith(str(tmp_path / PREFIX))


def test_no_room_is_said_with_the_variable(tmp_path):
    with pytest.raises(UserError, match="Set TMPDIR"), open_workshop(tmp_path / "none"):
        pass
