"""A pod's container without a cluster: a root file system with Python and git, read-only, and the manifest's volumes.

The user, the missing rights and the folders are those of ``deployment.yaml``; the network is this machine's, so that
the package index is reached as this machine reaches it.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from tests.parts.processes import DEADLINE_S, run_program
from tests.parts.proxy import LISTENING
from tests.parts.requirement import require

USER: Final = 10001
_HERE_TOO: Final = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", "/etc/pip.conf")
_PASSED: Final = ("PIP_", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy")
_OWN_MOUNTS: Final = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")
# $1 the image, $2 a scratch folder, $3 the working directory; then SOURCE:TARGET:MODE …, --, the command.
_ENTER: Final = """
image=$1 scratch=$2 inside=$3 root=$2/root; shift 3
mkdir -p $root $scratch/upper $scratch/work
mount -t overlay overlay -o lowerdir=$image,upperdir=$scratch/upper,workdir=$scratch/work $root
while [ "$1" != -- ]; do
  rest=${1#*:}; source=${1%%:*} target=$root${rest%:*} mode=${rest##*:}; shift
  if [ -d $source ]; then mkdir -p $target; elif [ ! -e $target ]; then mkdir -p ${target%/*}; : > $target; fi
  mount --bind $source $target
  [ $mode = rw ] || mount -o remount,bind,ro $source $target
done
shift
mkdir -p $root/proc $root/dev
mount -t proc proc $root/proc
mount --rbind /dev $root/dev
mount -o remount,ro $root
exec /usr/sbin/chroot $root setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs --bounding-set=-all \
  --inh-caps=-all -- env -C $inside "$@"
"""


class Mount(NamedTuple):
    """Something of this machine inside the container."""

    source: Path
    target: str
    writable: bool = False


def volume(folder: Path) -> Path:
    """A fresh ``emptyDir`` as a kubelet makes one for ``fsGroup``: root's, writable by the group and others."""
    folder.mkdir(parents=True)
    os.chown(folder, 0, USER)
    folder.chmod(0o2777)
    return folder


def network_environment() -> dict[str, str]:
    """What this machine says about its way to the package index."""
    return {name: value for name, value in os.environ.items() if name.startswith(_PASSED)}


def enter(
    scratch: Path, mounts: Sequence[Mount], *, image: Path | None = None, inside: str = "/app"
) -> list[str | Path]:
    """What runs the command behind it in the container; ``scratch`` is a fresh folder. Root may; others skip.

    ``image`` is another root file system than the base.
    """
    image = image or require("base image")
    if os.geteuid() != 0:
        pytest.skip("only root can make a container of it")
    scratch.mkdir(parents=True)
    here_too = [Mount(Path(path), path) for path in _HERE_TOO if Path(path).exists()]
    binds = [f"{one.source}:{one.target}:{'rw' if one.writable else 'ro'}" for one in (*here_too, *mounts)]
    return [*_OWN_MOUNTS, "sh", "-ec", _ENTER, "sh", image, scratch, inside, *binds, "--"]


def run_in(
    command: Sequence[str], scratch: Path, mounts: Sequence[Mount], env: Mapping[str, str], deadline_s: float = 300
) -> "subprocess.CompletedProcess[str]":
    """Run a command in the container to its end."""
    return subprocess.run(
        [*enter(scratch, mounts), *command],
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=deadline_s,
        check=False,
    )


@contextmanager
def serve_in(
    prefix: Sequence[str | Path], command: Sequence[str], env: Mapping[str, str], folder: Path
) -> Iterator[str]:
    """The proxy in a container for as long as the block takes, on a free port; its URL. SIGTERM must end it well."""
    whole = [*prefix, *command, "--host", "127.0.0.1", "--port", "0"]
    with run_program(whole, env=env, folder=folder) as program:
        program.wait_until(lambda: LISTENING.search(program.stderr), "the line with the address")
        found = LISTENING.search(program.stderr)
        assert found
        yield found[1]
        # unshare passes no signal on: the one that serves, process 1 in there, is told itself.
        (first,) = [pid for pid in program.running() if _is_first(pid)]
        os.kill(first, signal.SIGTERM)
        assert program.process.wait(DEADLINE_S) == 0, program.stderr


def _is_first(pid: int) -> bool:
    """Whether a process is number 1 in a namespace of its own."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("NSpid:")]
    return line.split()[2:] == ["1"]
