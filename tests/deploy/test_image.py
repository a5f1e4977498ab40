"""The image: built by a real builder on a base with Python and nothing else, then started as a cluster would."""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.parts.base_image import USER, Mount, enter, network_environment, serve_in, volume
from tests.parts.manifests import ROOT
from tests.parts.requirement import require

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
BASE = "localhost/base"
IMAGE = "localhost/open-llm-proxy"


class Builder:
    """buildah with a store of its own."""

    def __init__(self, folder: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root can build here")
        self.folder = folder
        store = ["--storage-driver", "overlay", "--root", folder / "store", "--runroot", folder / "run"]
        self.command = [require("buildah"), *store]

    def __call__(self, *arguments: str | Path, cwd: Path | None = None) -> str:
        env = os.environ | {"BUILDAH_ISOLATION": "chroot", "XDG_RUNTIME_DIR": str(self.folder)}
        command = [*self.command, *arguments]
        done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=cwd, check=False)
        assert done.returncode == 0, f"{' '.join(map(str, arguments))}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def make_base(self, env: Mapping[str, str]) -> None:
        """What ``BASE=`` names: Python and the way to the package index from here."""
        container = self("from", "scratch")
        root = Path(self("mount", container))
        base = require("base image")
        subprocess.run(["cp", "-a", f"{base}/.", root], check=True)
        shutil.copyfile(AUTHORITIES, root / AUTHORITIES.relative_to("/"))
        for name, value in env.items():
            self("config", "--env", f"{name}={value}", container)
        self("commit", "--quiet", "--rm", container, BASE)

    def build(self) -> None:
        arguments = [
            "--network",
            "host",
            "--file",
            "deploy/Containerfile",
            "--build-arg",
            f"BASE={BASE}",
            "--tag",
            IMAGE,
        ]
        self("build", "--pull-never", "--quiet", *arguments, ".", cwd=ROOT)


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    builder = Builder(tmp_path_factory.mktemp("builder"))
    builder.make_base(network_environment())
    builder.build()
    yield builder
    builder("umount", "--all")
    shutil.rmtree(builder.folder)


@pytest.fixture(scope="module")
def config(builder):
    return json.loads(builder("inspect", "--type", "image", IMAGE))["OCIv1"]


@pytest.fixture(scope="module")
def root(builder) -> Path:
    return Path(builder("mount", builder("from", "--pull-never", IMAGE)))


def test_it_runs_as_nobody_in_app(config):
    assert config["config"]["User"] == f"{USER}:{USER}"
    assert config["config"]["WorkingDir"] == "/app"
    assert {port.partition("/")[0] for port in config["config"]["ExposedPorts"]} == {"8002", "9002"}


def test_it_holds_what_it_runs_and_no_more(root):
    there = {path.name for path in (root / "app").iterdir()}
    assert there == {".venv", "LICENSE", "README.md", "config.json", "pyproject.toml"}
    assert not list((root / "app/.venv").glob("lib/python3*/site-packages/pytest*"))
    assert not list((root / "app/.venv/bin").glob("uv*"))


def test_it_starts_and_is_well(root, config, tmp_path):
    env = dict(entry.split("=", 1) for entry in config["config"]["Env"]) | {"PROXY_KEY": "k", "METRICS_PORT": "0"}
    spool = Mount(volume(tmp_path / "spool"), env["SPOOL_DIR"], writable=True)
    tmp = Mount(volume(tmp_path / "tmp"), env["HOME"], writable=True)
    prefix = enter(tmp_path / "inside", [spool, tmp], image=root, inside=config["config"]["WorkingDir"])
    with (
        serve_in(prefix, config["config"]["Cmd"], env, tmp_path) as url,
        urllib.request.urlopen(f"{url}/health", timeout=20) as answer,
    ):
        assert list(json.load(answer)["providers"]) == ["nrp", "openrouter", "anthropic", "nimbus"]
    assert (tmp_path / "spool" / "lock").exists()
