"""The manifests: as they are written in ``deploy/kubernetes``, and as Kustomize puts them together."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from tests.parts.requirement import require

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
KUBERNETES: Final = DEPLOY / "kubernetes"
FILES: Final = (
    "deployment.yaml",
    "service.yaml",
    "ingress.yaml",
    "secrets.yaml.example",
    "cronjobs.yaml",
    "networkpolicy.yaml",
    "poddisruptionbudget.yaml",
)
OVERLAYS: Final = ("nrp", "k3s", "kind")
COMPONENTS: Final = ("keys-from-files", "hpa", "pvc", "image")
NAME: Final = "open-llm-proxy"
IMAGES: Final = [{"name": NAME, "newName": "registry.example.org/you/open-llm-proxy", "newTag": "1"}]

Manifest = dict[str, Any]


def parse(text: str) -> list[Manifest]:
    """The objects of a stream of YAML; libyaml's parser is ten times as quick as the one in Python."""
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def read(name: str) -> list[Manifest]:
    """The objects of a file in ``deploy/kubernetes``."""
    return parse((KUBERNETES / name).read_text())


def written() -> list[Manifest]:
    """The objects of all files that are applied by themselves."""
    return [one for name in FILES for one in read(name)]


def built(folder: Path) -> list[Manifest]:
    """What Kustomize makes of a folder, with no restrictor relaxed."""
    return parse(_build(folder))


def built_with(folder: Path, overlay: str, components: Sequence[str]) -> list[Manifest]:
    """An overlay with components, as a user would add them; ``folder`` gets the kustomization."""
    kustomization = {
        "resources": [os.path.relpath(DEPLOY / "overlays" / overlay, folder)],
        "components": [os.path.relpath(DEPLOY / "components" / name, folder) for name in components],
        "images": IMAGES,
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return built(folder)


@cache
def _build(folder: Path) -> str:
    done = subprocess.run([require("kustomize"), "build", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def find(objects: Sequence[Manifest], kind: str, name: str = NAME) -> Manifest:
    """The one object of a kind and name."""
    (found,) = (one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def pod_of(one: Manifest) -> Manifest | None:
    """The spec of the pod that an object makes, if it makes any."""
    spec = one.get("spec", {})
    if one["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec["template"]["spec"] if "template" in spec else None


def pods(objects: Sequence[Manifest]) -> list[Manifest]:
    return [pod for one in objects if (pod := pod_of(one)) is not None]


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def proxy_of(one: Manifest) -> Manifest:
    """The container that serves."""
    pod = pod_of(one)
    assert pod
    (found,) = (container for container in pod["containers"] if container["name"] == NAME)
    return found


def variables(container: Manifest) -> dict[str, Manifest]:
    """A container's environment by name."""
    entries = container["env"]
    by_name = {entry["name"]: entry for entry in entries}
    assert len(by_name) == len(entries), "a variable is named twice"
    return by_name


def secret_references(objects: Sequence[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Each variable that a Secret fills, with its reference."""
    for pod in pods(objects):
        for container in containers(pod):
            for entry in container["env"]:
                if "valueFrom" in entry:
                    yield entry["name"], entry["valueFrom"]["secretKeyRef"]


def size_bytes(quantity: str) -> int:
    """A Kubernetes quantity such as ``14Gi``."""
    found = re.fullmatch(r"(\d+)([KMGT]i)?", quantity)
    assert found, quantity
    return int(found[1]) * 1024 ** (" KMGT".index(found[2][0]) if found[2] else 0)
