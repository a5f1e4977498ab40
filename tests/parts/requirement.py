"""Which real parts are installed, and what to do where one is not.

A test says ``require("nginx")``: it gets the part's path, or is skipped with the line that installs it. With
``REQUIRE_PARTS=1``, as in CI, a missing part is a failure: nothing is passed over in silence there.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
NODE_MODULES: Final = HERE / "node" / "node_modules"


def parts_folder() -> Path:
    """Where ``install.sh`` puts what is no package of this machine."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("OPEN_LLM_PROXY_PARTS") or Path(cache) / "open-llm-proxy-parts")


def _program(name: str, *folders: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", *folders])
        found = shutil.which(name, path=path)
        return Path(found) if found else None

    return find


def _existing(*paths: Callable[[], Path]) -> Callable[[], Path | None]:
    return lambda: paths[0]() if all(path().exists() for path in paths) else None


BARE: Final = tuple(sorted(lock.stem for lock in (HERE / "bare").glob("*.txt")))


def _bare(name: str) -> Callable[[], Path | None]:
    """The Python of an environment that holds what its lock, as it now is, says, and nothing else."""

    def find() -> Path | None:
        folder = parts_folder() / "bare" / name
        installed = folder / "installed.txt"
        current = installed.exists() and installed.read_bytes() == (HERE / "bare" / f"{name}.txt").read_bytes()
        return folder / "bin" / "python" if current else None

    return find


FINDERS: Final[dict[str, Callable[[], Path | None]]] = {
    "curl": _program("curl"),
    "jq": _program("jq"),
    "nginx": _program("nginx"),
    "chromium": _program("chromium"),
    "node": _program("node"),
    "promtool": _program("promtool", str(parts_folder() / "prometheus/usr/bin")),
    "faketime": _program("faketime"),
    "ceph": _program("ceph"),
    "ceph-mon": _program("ceph-mon"),
    "ceph-osd": _program("ceph-osd"),
    "monmaptool": _program("monmaptool"),
    "radosgw": _program("radosgw"),
    "radosgw-admin": _program("radosgw-admin"),
    "java": _program("java"),
    "spark": _existing(lambda: parts_folder() / "spark", lambda: parts_folder() / "spark/pyspark/__init__.py"),
    "mutmut": _existing(lambda: parts_folder() / "mutmut", lambda: parts_folder() / "mutmut/mutmut/__init__.py"),
    "openai for node": _existing(lambda: NODE_MODULES / "openai"),
    "playwright-core": _existing(lambda: NODE_MODULES / "playwright-core"),
    "kubectl": _existing(lambda: parts_folder() / "kubernetes/usr/bin/kubectl"),
    "kustomize": _existing(lambda: parts_folder() / "kubernetes/usr/bin/kustomize"),
    "buildah": _program("buildah"),
    "base image": _existing(lambda: parts_folder() / "base-image"),
    **{f"bare {name}": _bare(name) for name in BARE},
    "llama.cpp": _existing(
        lambda: parts_folder() / "llama.cpp", lambda: parts_folder() / "llama.cpp/usr/bin/llama-server"
    ),
}


def require(part: str) -> Path:
    """The part's path; without the part the test is skipped, or fails where parts are required."""
    path = FINDERS[part]()
    if path is not None:
        return path
    message = f"{part} is not installed: make parts"
    if os.environ.get("REQUIRE_PARTS") == "1":
        pytest.fail(message)
    pytest.skip(message)
