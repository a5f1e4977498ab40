"""The bill of materials: what ``pip install open-llm-proxy`` brings, as CycloneDX 1.6 in JSON.

Names and edges come from the installed packages' metadata, versions and hashes from the lock file.
"""

import json
import uuid
from datetime import UTC, datetime
from importlib.metadata import distribution
from typing import Any, Final

from packaging.requirements import Requirement

from release.licences import licence_of
from release.lock import canonical, read_lock

ROOT: Final = "open-llm-proxy"


class BillError(Exception):
    """What is installed is not what the lock file says."""


def edges(root: str = ROOT) -> dict[str, list[str]]:
    """Each package that a plain install of ``root`` brings here, and what each needs; ``root`` is the first."""
    found: dict[str, list[str]] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _needs(name)
            waiting += found[name]
    return found


def _needs(name: str) -> list[str]:
    wanted = map(Requirement, distribution(name).requires or [])
    return sorted({canonical(one.name) for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})})


def bill(made_at: datetime) -> dict[str, Any]:
    """The document.

    Args:
        made_at: When, with a time zone.

    Raises:
        BillError: An installed package is not in the lock file in that version.
        UnknownLicenceError: A package's licence is none that was said yes to.
    """
    graph = edges()
    root = _component(ROOT, distribution(ROOT).version) | {"type": "application"}
    parts = [_locked(name) for name in sorted(graph.keys() - {ROOT})]
    purls = {canonical(one["name"]): one["bom-ref"] for one in [root, *parts]}
    content = {
        "metadata": {"timestamp": made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "component": root},
        "components": parts,
        "dependencies": [
            {"ref": purls[name], "dependsOn": [purls[one] for one in needs]} for name, needs in sorted(graph.items())
        ],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(content, sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        **content,
    }


def _locked(name: str) -> dict[str, Any]:
    installed = distribution(name).version
    hashes = read_lock().get((name, installed))
    if hashes is None:
        raise BillError(f"{name} {installed} is installed, and not in the lock file: make install")
    component = _component(name, installed)
    files = [
        {"type": "distribution", "url": component["purl"], "hashes": [{"alg": "SHA-256", "content": content}]}
        for content in hashes
    ]
    return component | {"scope": "required", "externalReferences": files}


def _component(name: str, version: str) -> dict[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "licenses": [_licence(licence_of(distribution(name)))],
        "purl": purl,
    }


def _licence(told: str) -> dict[str, Any]:
    if " " in told:
        return {"expression": told}
    return {"license": {"name": told} if told == "BSD" else {"id": told}}
