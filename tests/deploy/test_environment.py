"""The environment names in the manifests and those that the program reads: neither side knows one that the other does not.

What a manifest leaves at its default stands in a comment (``# - name: …``), to be uncommented; that counts as known.
"""

import json
import re

import pytest
from tests.parts import manifests as parts

from open_llm_proxy.config.environment import VARIABLES
from open_llm_proxy.config.load import Flags, load

COMMENTED = re.compile(r"^ *# - name: (\S+)\n *#   value: (.*)$", re.MULTILINE)
NOT_OURS = {
    "HOME": "git's and pip's: the root file system is read-only",
    "PATH": "so that `kubectl exec … open-llm-proxy` finds it",
}
SOURCE = {"GIT_REPO", "GIT_REF"}
READERS_OWN = {variable.name for variable in VARIABLES if variable.reader == "logs"}
"""For people who read the logs elsewhere; the jobs read with the proxy's own variables."""


def provider_keys():
    config = json.loads((parts.ROOT / "config.json").read_text())
    return {provider["api_key_env"] for provider in config["providers"].values()}


def names_read(reader):
    return {variable.name for variable in VARIABLES if variable.reader == reader}


def set_in(container):
    return set(parts.variables(container)) - set(NOT_OURS)


def commented(name):
    return dict(COMMENTED.findall((parts.KUBERNETES / name).read_text()))


def test_the_deployment_knows_what_serve_reads_and_nothing_else():
    container = parts.proxy_of(parts.find(parts.written(), "Deployment"))
    assert not set_in(container) & set(commented("deployment.yaml"))
    assert set_in(container) | set(commented("deployment.yaml")) == names_read("serve") | provider_keys()


@pytest.mark.parametrize("job", parts.read("cronjobs.yaml"), ids=lambda job: job["metadata"]["name"])
def test_the_jobs_know_only_what_is_read(job):
    pod = parts.pod_of(job)
    assert pod
    (container,) = pod["containers"]
    assert set_in(container) <= names_read("serve") | names_read("mirror")
    assert set_in(container) >= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_S3_ENDPOINT_URL", "LOG_BUCKET"}
    mirrors = job["metadata"]["name"] == "logs-mirror-raw-hourly"
    assert set_in(container) & names_read("mirror") == (names_read("mirror") if mirrors else set())


def test_every_name_read_is_somewhere():
    known = {name for pod in parts.pods(parts.written()) for one in pod["containers"] for name in set_in(one)}
    everything = {variable.name for variable in VARIABLES} | provider_keys()
    assert everything - known - set(commented("deployment.yaml")) == READERS_OWN


@pytest.mark.parametrize("pod", parts.pods(parts.written()), ids=lambda pod: pod["containers"][0]["name"])
def test_the_install_knows_its_source(pod):
    (install,) = pod["initContainers"]
    assert set_in(install) == SOURCE
    used = set(re.findall(r"\$\{?([A-Z_]+)", install["args"][0]))
    assert used == SOURCE


def test_values_are_what_the_program_takes(tmp_path):
    """The set ones, and the commented ones where they say a default."""
    container = parts.proxy_of(parts.find(parts.written(), "Deployment"))
    values = {name: entry["value"] for name, entry in parts.variables(container).items() if "value" in entry}
    load(Flags(), {**values, "PROXY_KEY": "k"}, cwd=parts.ROOT)
    defaults = {variable.name: variable.default for variable in VARIABLES}
    for name, text in commented("deployment.yaml").items():
        value = text.strip('"')
        if name not in {"OPEN_LLM_PROXY_CONFIG", "LOG_STORE", "OTEL_EXPORTER_OTLP_ENDPOINT"}:
            assert value == defaults[name], name


def test_components_name_only_what_is_read(tmp_path):
    objects = parts.built_with(tmp_path, "nrp", parts.COMPONENTS)
    (serving,) = (one for one in objects if one["kind"] == "StatefulSet")
    names = set_in(parts.proxy_of(serving))
    secret = {f"{variable.name}_FILE" for variable in VARIABLES if variable.secret}
    secret |= {f"{name}_FILE" for name in provider_keys()}
    assert names <= names_read("serve") | provider_keys() | secret
    assert {"NRP_API_KEY_FILE", "PROXY_KEY_FILE", "PROXY_KEYS_EXTRA_FILE"} <= names
