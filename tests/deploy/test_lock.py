"""``requirements/deploy.txt`` is a part of the lock: what a deployment installs, and no row that the tests did not see.

When it is behind: ``make lock-deploy``.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest
from tests.parts.manifests import ROOT

ROW: Final = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?P<marker> ; [^\\\n]+?)? \\\n(?P<hashes>(?: +--hash=\S+(?: \\)?\n)+)",
    re.MULTILINE,
)
UV: Final = Path(sys.executable).with_name("uv")
LOCK: Final = ROOT / "requirements" / "lock.txt"
DEPLOY: Final = ROOT / "requirements" / "deploy.txt"
PLATFORMS: Final = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")
PYTHON: Final = "3.11"  # of the images in deployment.yaml


def rows(path: Path) -> dict[str, tuple[str, str | None, frozenset[str]]]:
    return {
        row["name"]: (row["version"], row["marker"], frozenset(re.findall(r"sha256:\w+", row["hashes"])))
        for row in ROW.finditer(path.read_text())
    }


def test_each_row_is_one_of_the_locks():
    lock, deploy = rows(LOCK), rows(DEPLOY)
    assert len(deploy) == len(re.findall(r"^[\w.-]+==", DEPLOY.read_text(), re.MULTILINE))
    assert {name: row for name, row in deploy.items() if lock.get(name) != row} == {}


def test_all_that_a_deployment_needs_is_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    wanted = [
        *project["project"]["dependencies"],
        *extras["logs"],
        *extras["traces"],
        *project["build-system"]["requires"],
    ]
    names = {re.match(r"[\w.-]+", one)[0] for one in wanted}
    assert names <= set(rows(DEPLOY))


def test_nothing_only_for_tests_is_deployed():
    assert not {"pytest", "moto", "boto3", "polars", "pyright", "ruff"} & set(rows(DEPLOY))


@pytest.mark.slow
@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_platform_has_a_wheel_of_each_row(platform, tmp_path):
    """Resolved anew for the platform, from the index, with wheels only and with the lock's hashes."""
    command = [UV, "pip", "install", "--dry-run", "--target", tmp_path, "--python-platform", platform]
    command += ["--python-version", PYTHON, "--only-binary", ":all:", "--no-deps", "--no-cache", "--require-hashes"]
    done = subprocess.run([*command, "-r", DEPLOY], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = set(re.findall(r"^ \+ ([\w.-]+)==", done.stderr, re.MULTILINE))
    assert found == {name for name, (_, marker, _) in rows(DEPLOY).items() if marker is None}


@pytest.mark.slow
def test_a_platform_without_wheels_is_seen(tmp_path):
    """The test above can fail."""
    command = [UV, "pip", "install", "--dry-run", "--target", tmp_path, "--python-platform", "wasm32-pyodide2024"]
    command += ["--python-version", PYTHON, "--only-binary", ":all:", "--no-deps", "--no-cache", "--require-hashes"]
    done = subprocess.run([*command, "-r", DEPLOY], capture_output=True, text=True, check=False)
    assert done.returncode != 0
