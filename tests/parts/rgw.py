"""Ceph RGW, what in-cluster S3 often is: one monitor, one OSD in memory, one gateway, all on loopback.

The OSD dies of a race of its own at about one start in eight: then everything is started again, in a new folder.
"""

import itertools
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import trustme
from tests.parts.bucket import NAME, Bucket
from tests.parts.ports import free_port, is_open
from tests.parts.processes import Program, plain_environment, run_program
from tests.parts.requirement import require

KEY: Final = "rgwkey"
SECRET: Final = "rgwsecret123"
STARTS: Final = 4
PROGRAMS: Final = ("ceph-mon", "ceph-osd", "ceph", "monmaptool", "radosgw-admin", "radosgw")

CONFIG: Final = """\
[global]
fsid = {cluster}
mon host = [v1:127.0.0.1:{mon_port}/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = false
paxos propose interval = 0.05
paxos min wait = 0.01
mon allow pool size one = true
mon max pg per osd = 1000
mon warn on pool no redundancy = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 2147483648
osd class load list = *
osd class default list = *
mon data = {folder}/mon
osd data = {folder}/osd
log file = {folder}/$name.log
log to stderr = false
err to stderr = true
run dir = {folder}
pid file = {folder}/$name.pid
admin socket = {folder}/$name.asok
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{port} ssl_endpoint=127.0.0.1:{tls_port} ssl_certificate={folder}/tls.pem
rgw data = {folder}/rgw
rgw num control oids = 1
rgw gc max objs = 1
rgw thread pool size = 64
"""


class Rgw:
    """A running one. ``tls_endpoint``'s certificate is of the authority in the file ``authority``."""

    def __init__(self, folder: Path, port: int, tls_port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.tls_endpoint = f"https://localhost:{tls_port}"
        self.authority = folder / "ca.pem"
        self._numbers = itertools.count(1)

    def bucket(self, *, tls: bool = False) -> Bucket:
        """A fresh bucket."""
        return self.door(f"{NAME}-{next(self._numbers)}", tls=tls).create()

    def door(self, name: str, *, secret: str = SECRET, tls: bool = False) -> Bucket:
        """A bucket that may not be there, opened with a secret that may be wrong."""
        if tls:
            return Bucket(self.tls_endpoint, key=KEY, secret=secret, name=name, authority=self.authority)
        return Bucket(self.endpoint, key=KEY, secret=secret, name=name)


@contextmanager
def run_rgw(folder: Path) -> Iterator[Rgw]:
    """A gateway for as long as the block takes."""
    tools = {name: require(name) for name in PROGRAMS}
    for start in range(1, STARTS + 1):
        with ExitStack() as stack:
            try:
                rgw = _Start(folder / str(start), tools, stack).run()
            except (AssertionError, subprocess.TimeoutExpired):
                if start == STARTS:
                    raise
                continue
            yield rgw
            return


class _Start:
    """One try; what it starts is stopped by ``stack``."""

    def __init__(self, folder: Path, tools: dict[str, Path], stack: ExitStack) -> None:
        self._folder = folder
        self._tools = tools
        self._stack = stack
        self._port, self._tls_port, self._mon_port = free_port(), free_port(), free_port()
        self._cluster = str(uuid.uuid4())
        for name in ("mon", "osd", "rgw"):
            (folder / name).mkdir(parents=True)
        ports = {"port": self._port, "tls_port": self._tls_port, "mon_port": self._mon_port}
        self._config = folder / "ceph.conf"
        self._config.write_text(CONFIG.format(folder=folder, cluster=self._cluster, **ports))
        self._environment = plain_environment(folder) | {"CEPH_CONF": str(self._config)}
        _write_certificates(folder)

    def run(self) -> Rgw:
        self._start_monitor()
        self._start_osd()
        user = ["user", "create", "--uid=tests", "--display-name=tests", f"--access-key={KEY}", f"--secret={SECRET}"]
        self._call("radosgw-admin", "-n", "client.rgw", *user)
        gateway = self._serve("radosgw", "-n", "client.rgw")
        gateway.wait_until(lambda: is_open(self._port) and is_open(self._tls_port), "a gateway that listens")
        return Rgw(self._folder, self._port, self._tls_port)

    def _start_monitor(self) -> None:
        address = f"[v1:127.0.0.1:{self._mon_port}]"
        monitors = str(self._folder / "monmap")
        self._call("monmaptool", "--create", "--clobber", "--fsid", self._cluster, "--addv", "a", address, monitors)
        self._call("ceph-mon", "-i", "a", "--mkfs", "--monmap", monitors)
        monitor = self._serve("ceph-mon", "-i", "a")
        monitor.wait_until(lambda: self._succeeds("ceph", "--connect-timeout", "2", "-s"), "a monitor that answers")

    def _start_osd(self) -> None:
        osd = str(uuid.uuid4())
        self._call("ceph", "osd", "new", osd)
        self._call("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        running = self._serve("ceph-osd", "-i", "0")
        running.wait_until(lambda: "1 up" in self._call("ceph", "osd", "stat"), "an OSD that is up")

    def _serve(self, name: str, *arguments: str) -> Program:
        folder = self._folder / f"{name}-output"
        folder.mkdir()
        command = [*self._command(name, arguments), "-f"]
        return self._stack.enter_context(run_program(command, env=self._environment, folder=folder))

    def _call(self, name: str, *arguments: str) -> str:
        done = self._run(name, arguments)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        return done.stdout

    def _succeeds(self, name: str, *arguments: str) -> bool:
        return self._run(name, arguments).returncode == 0

    def _run(self, name: str, arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        command = self._command(name, arguments)
        return subprocess.run(
            command, env=self._environment, cwd=self._folder, capture_output=True, text=True, timeout=60, check=False
        )

    def _command(self, name: str, arguments: Sequence[str]) -> list[str]:
        return [str(self._tools[name]), "-c", str(self._config), *arguments]


def _write_certificates(folder: Path) -> None:
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server.private_key_and_cert_chain_pem.write_to_path(folder / "tls.pem")
