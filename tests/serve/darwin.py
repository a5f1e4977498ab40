"""``serve`` on a system that is as macOS where ours differs from it: ``darwin.py supervisor`` starts it.

``darwin.py <role> …`` is a child of it. What Linux alone has is taken away, and ``sys.platform`` says so, before a
module of ours is imported; other people's are imported before, since theirs would look for what this system lacks.
"""

# ruff: noqa: F401 - see above
import asyncio
import ctypes
import http.server
import importlib
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import certifi
import httptools
import msgspec
import obstore.store
import prometheus_client
import uvloop

LINUX_ALONE = {
    os: (
        "copy_file_range eventfd fdatasync getrandom memfd_create pidfd_open pipe2 posix_fadvise posix_fallocate "
        "sched_getaffinity sched_setaffinity setresuid splice O_PATH O_TMPFILE O_DIRECT O_LARGEFILE O_NOATIME"
    ),
    select: "epoll poll",
    signal: "sigtimedwait sigwaitinfo pidfd_send_signal SIGRTMIN SIGPWR SIGSTKFLT",
    socket: "AF_NETLINK MSG_MORE MSG_NOSIGNAL SO_BINDTODEVICE SO_PEERCRED SO_INCOMING_CPU TCP_QUICKACK TCP_USER_TIMEOUT",
    time: "CLOCK_BOOTTIME",
    ctypes: "CDLL",  # that is, no prctl
}


def take_away() -> None:
    for module, names in LINUX_ALONE.items():
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    selectors.DefaultSelector = selectors.SelectSelector  # macOS has kqueue, which is used alike
    sys.platform = "darwin"


def main() -> int:
    take_away()
    if sys.argv[1] != "supervisor":
        child = importlib.import_module(f"open_llm_proxy.serve.{sys.argv.pop(1)}")
        return child.main()
    serve = importlib.import_module("open_llm_proxy.serve.run")
    flags = importlib.import_module("open_llm_proxy.config.load").Flags
    script = str(Path(__file__).resolve())
    return serve.run(
        flags(config="config.json"),
        os.environ,
        cwd=Path.cwd(),
        stdout_is_terminal=False,
        announce=importlib.import_module("open_llm_proxy.serve.banner").say_serving,
        commands=lambda role: (sys.executable, "-P", script, role),
    )


if __name__ == "__main__":
    sys.exit(main())
