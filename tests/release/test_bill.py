import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from release import bill as bills
from release.bill import BillError, bill, edges
from release.lock import canonical, read_lock

MADE_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def document():
    return bill(MADE_AT)


def test_it_is_cyclonedx(document):
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", document["serialNumber"])
    assert document["metadata"]["timestamp"] == "2026-01-02T03:04:05Z"
    assert document["metadata"]["component"]["type"] == "application"


def test_it_holds_what_a_plain_install_brings_and_no_extra(document):
    names = {one["name"] for one in document["components"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {canonical(re.match(r"[\w.-]+", line)[0]) for line in project["dependencies"]} <= names
    assert not {"duckdb", "openai", "starlette", "pytest", "open-llm-proxy"} & names


def test_each_component_has_version_licence_and_hashes(document):
    for one in document["components"]:
        assert one["purl"] == one["bom-ref"] == f"pkg:pypi/{one['name']}@{one['version']}"
        told = [each["hashes"][0]["content"] for each in one["externalReferences"]]
        assert told == list(read_lock()[one["name"], one["version"]])
        assert told
        (licence,) = one["licenses"]
        assert licence.keys() == {"expression"} or licence["license"].keys() <= {"id", "name"}


def test_edges_lead_to_components(document):
    refs = {document["metadata"]["component"]["bom-ref"], *(one["bom-ref"] for one in document["components"])}
    assert len(refs) == len(document["components"]) + 1
    assert {one["ref"] for one in document["dependencies"]} == refs
    assert {ref for one in document["dependencies"] for ref in one["dependsOn"]} <= refs


def test_extras_are_not_followed():
    assert "duckdb" not in edges()["open-llm-proxy"]


def test_the_same_packages_have_the_same_serial_number(document):
    assert bill(MADE_AT) == document
    assert bill(datetime(2027, 1, 1, tzinfo=UTC))["serialNumber"] != document["serialNumber"]


@pytest.mark.parametrize("lock", [{}, {(name, "0"): hashes for (name, _), hashes in read_lock().items()}])
def test_what_is_not_in_the_lock_is_no_release(monkeypatch, lock):
    monkeypatch.setattr(bills, "read_lock", lambda: lock)
    with pytest.raises(BillError, match="make install"):
        bill(MADE_AT)
