import subprocess
import sys
import time

from bench.peers import tree
from bench.processes import wait_until

PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"


def test_a_tree_is_counted_and_killed_whole():
    parent = subprocess.Popen([sys.executable, "-c", PARENT])
    try:
        wait_until(lambda: len(tree.list_tree(parent.pid)) == 2, "a child", seconds=20)
        pids = tree.list_tree(parent.pid)
        wait_until(lambda: tree.sum_cpu_ns(pids) > 0, "time on a CPU", seconds=20)
        assert tree.sum_memory_bytes(parent.pid) > 1_000_000
    finally:
        tree.kill_tree(parent.pid)
        parent.wait()
    wait_until(lambda: tree.read_cpu_ns(pids[1]) == 0 or tree.list_tree(pids[1]) == [pids[1]], "its end", seconds=20)


def test_the_clock_of_a_process_is_its_own_cpu_time():
    before = time.process_time_ns()
    now = tree.read_cpu_ns(0)
    assert before <= now <= time.process_time_ns()


def test_a_process_that_is_gone_has_no_time():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert tree.read_cpu_ns(child.pid) == 0
