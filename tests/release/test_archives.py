"""The files of a release, made and looked into; the wheel installed where nothing of the checkout is."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import pytest

from release.__main__ import make_release

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "src" / "open_llm_proxy"
UV: Final = Path(sys.executable).with_name("uv")
DATA: Final = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*")
    if path.suffix in {".sql", ".json", ".css", ".js", ".html"}
)


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    (folder / "open_llm_proxy-0.0.0.tar.gz").write_text("of an earlier release")
    make_release(folder)
    return folder


@pytest.fixture(scope="module")
def wheel(dist) -> Path:
    (found,) = dist.glob("*.whl")
    return found


def test_there_are_four_files(dist):
    kinds = [path.name.partition("-")[2].lstrip("0123456789.") for path in sorted(dist.iterdir())]
    assert kinds == ["", "-py3-none-any.whl", "cdx.json", "tar.gz"]


def test_the_sums_are_theirs(dist):
    lines = (dist / "SHA256SUMS").read_text().splitlines()
    sums = dict(reversed(line.split("  ")) for line in lines)
    assert set(sums) == {path.name for path in dist.iterdir()} - {"SHA256SUMS"}
    assert all(hashlib.sha256((dist / name).read_bytes()).hexdigest() == told for name, told in sums.items())


def test_the_wheel_holds_the_data_files(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert len(DATA) > 10
    assert {f"open_llm_proxy/{name}" for name in DATA} <= names
    assert "open_llm_proxy/config/shipped.json" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests", "bench", "fuzz", "release"))]
    assert zipfile.ZipFile(wheel).read("open_llm_proxy/config/shipped.json") == (ROOT / "config.json").read_bytes()


def test_the_wheel_installs_and_works_without_the_checkout(wheel, tmp_path):
    target = tmp_path / "site"
    install = [UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--target", target, wheel]
    subprocess.run(list(map(str, install)), check=True, cwd=tmp_path)
    code = "import open_llm_proxy, pathlib; print(pathlib.Path(open_llm_proxy.__file__).parent)"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(target), "HOME": str(tmp_path), "PROXY_KEY": "k"}
    told = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == str(target / "open_llm_proxy")
    check = [sys.executable, "-m", "open_llm_proxy", "check"]
    checked = subprocess.run(check, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "-> nrp" in checked.stdout, "the configuration that comes with the package"


def test_the_sdist_is_enough_to_build_from(dist):
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"pyproject.toml", "config.json", "README.md", "LICENSE", "CHANGELOG.md", "PKG-INFO"}
    assert wanted <= names
    assert {f"src/open_llm_proxy/{name}" for name in DATA} <= names


def test_the_same_tree_makes_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")  # as the commit would say
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "src", tree / "src")
    for name in ("pyproject.toml", "config.json", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tree)
    made = [make_release(tmp_path / name, tree) for name in ("first", "second")]
    first, second = ([path.read_bytes() for path in files if path.suffix in {".gz", ".whl"}] for files in made)
    assert len(first) == 2
    assert first == second


def test_the_bill_is_of_this_release(dist, wheel):
    (path,) = dist.glob("*.cdx.json")
    document = json.loads(path.read_text())
    assert document["metadata"]["component"]["version"] == wheel.name.split("-")[1]
