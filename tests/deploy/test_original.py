"""``kubectl apply`` over the original's objects succeeds and replaces them: same kinds and names, nothing immutable
changed. ``original.yaml`` beside this file says what namespaces hold."""

import json
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from tests.parts import manifests as parts

ORIGINAL = list(yaml.safe_load_all(Path(__file__).with_name("original.yaml").read_text()))
BUILDS = ("written", *parts.OVERLAYS)


def key(one):
    return one["apiVersion"], one["kind"], one["metadata"]["name"]


@pytest.fixture(scope="module", params=BUILDS)
def ours(request):
    if request.param == "written":
        return parts.written()
    return parts.built(parts.DEPLOY / "overlays" / request.param)


@pytest.fixture(scope="module", params=ORIGINAL, ids=lambda one: one["metadata"]["name"] + "-" + one["kind"])
def pair(request, ours):
    """An object of the original and ours that takes its place."""
    return request.param, parts.find(ours, request.param["kind"], request.param["metadata"]["name"])


def test_each_object_is_replaced_by_one_of_the_same_kind_and_name(ours):
    assert {key(one) for one in ORIGINAL} <= {key(one) for one in ours}


def test_no_namespace_is_named(ours):
    """``-n <your-namespace>`` says it."""
    assert [one for one in ours if "namespace" in one["metadata"]] == []


def test_immutable_fields_stay(pair):
    old, new = pair
    if old["kind"] == "Deployment":
        assert new["spec"]["selector"] == old["spec"]["selector"] == {"matchLabels": {"app": "open-llm-proxy"}}
        assert new["spec"]["template"]["metadata"]["labels"] == {"app": "open-llm-proxy"}
    if old["kind"] == "Service":
        assert not {"clusterIP", "clusterIPs"} & set(new["spec"])


def test_the_service_finds_the_pods_of_before_and_after(pair):
    """Service, ingress and deployment are applied in this order: in between the new Service serves the old pods."""
    old, new = pair
    if old["kind"] == "Service":
        assert new["spec"]["selector"] == old["spec"]["selector"]
        (port,) = new["spec"]["ports"]
        assert (port["name"], port["port"], port["targetPort"]) == ("http", 8002, 8002)


def test_the_ingress_keeps_its_backend(pair):
    old, new = pair
    if old["kind"] == "Ingress":
        assert new["spec"]["rules"][0]["http"] == old["spec"]["rules"][0]["http"]


def test_container_and_port_keep_their_names(pair):
    old, new = pair
    if old["kind"] == "Deployment":
        container = parts.proxy_of(new)
        assert container["workingDir"] == "/app"
        assert 8002 in [port["containerPort"] for port in container["ports"]]


def test_variables_are_filled_from_the_same_secrets(pair):
    """Theirs stopped the pod when one was missing; only two are needed."""
    old, new = pair
    if parts.pod_of(old) is None:
        return
    ours = dict(parts.secret_references([new]))
    for name, reference in parts.secret_references([{**old, "spec": with_env(old["spec"])}]):
        assert {**ours[name], "optional": None} == {**reference, "optional": None}
        assert ours[name].get("optional", False) is (reference["key"] not in {"nrp-api-key", "proxy-key"})


def with_env(spec):
    """The spec, whose containers may have no environment."""
    if "jobTemplate" in spec:
        return {"jobTemplate": {"spec": with_env(spec["jobTemplate"]["spec"])}}
    pod = spec["template"]["spec"]
    containers = [{"env": [], **container} for container in pod["containers"]]
    return {"template": {"spec": {**pod, "containers": containers}}}


@pytest.mark.parametrize("old", ORIGINAL, ids=lambda one: one["metadata"]["name"] + "-" + one["kind"])
def test_kubernetes_own_merge_gives_one_good_object(old, tmp_path):
    """Lists are merged by name, port or path: nothing may stand there twice, and all of ours must win."""
    new = parts.find(parts.built(parts.DEPLOY / "overlays" / "nrp"), old["kind"], old["metadata"]["name"])
    before, patch = tmp_path / "before.json", tmp_path / "patch.json"
    before.write_text(json.dumps(old))
    patch.write_text(json.dumps(new))
    command = [parts.require("kubectl"), "patch", "--local", "--type", "strategic", "-f", before]
    done = subprocess.run([*command, "--patch-file", patch, "-o", "json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    merged = json.loads(done.stdout)
    kubernetes_validate.validate(merged, "1.35", strict=False)
    pod, ours = parts.pod_of(merged), parts.pod_of(new)
    if pod is None or ours is None:
        assert merged["spec"] == new["spec"]
        return
    for container in ours["containers"]:
        (found,) = (one for one in pod["containers"] if one["name"] == container["name"])
        assert parts.variables(found) == parts.variables(container)
        ports = [port["containerPort"] for port in found.get("ports", [])]
        assert len(ports) == len(set(ports))
