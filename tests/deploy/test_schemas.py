"""Every manifest and everything that Kustomize makes, against the schemas of three Kubernetes versions, offline."""

import functools
import itertools
import subprocess

import kubernetes_validate
import kubernetes_validate.utils
import pytest
from tests.parts import manifests as parts

VERSIONS = ("1.33", "1.35", "1.37")
MIXES = [mix for count in range(len(parts.COMPONENTS) + 1) for mix in itertools.combinations(parts.COMPONENTS, count)]


@pytest.fixture(scope="module", autouse=True)
def schemas_read_once():
    """The validator reads its two megabytes of definitions for each object anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kubernetes_validate.utils, "schema_contents", functools.cache(read_schema))
        yield


read_schema = kubernetes_validate.utils.schema_contents


def validate(objects, version):
    assert objects
    for one in objects:
        assert kubernetes_validate.validate(one, version, strict=True) == version


def test_the_validator_refuses_what_no_version_knows():
    wrong = parts.read("service.yaml")[0]
    wrong["spec"]["selektor"] = wrong["spec"].pop("selector")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", parts.FILES)
def test_each_file(name, version):
    validate(parts.read(name), version)


def test_no_manifest_is_forgotten():
    ours = {path.name for path in parts.KUBERNETES.iterdir()}
    assert ours - {"secrets.yaml"} == {*parts.FILES, "config.json", "kustomization.yaml", "config-folder.patch.yaml"}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_base(version):
    validate(parts.built(parts.KUBERNETES), version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", parts.OVERLAYS)
def test_each_overlay(overlay, version):
    validate(parts.built(parts.DEPLOY / "overlays" / overlay), version)


@pytest.mark.parametrize("mix", MIXES, ids="+".join)
def test_each_mix_of_components(mix, tmp_path):
    validate(parts.built_with(tmp_path, "nrp", mix), VERSIONS[1])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", parts.OVERLAYS)
def test_each_overlay_with_all_components(overlay, version, tmp_path):
    validate(parts.built_with(tmp_path, overlay, parts.COMPONENTS), version)


@pytest.mark.parametrize("overlay", parts.OVERLAYS)
def test_kubectl_makes_the_same(overlay):
    """``kubectl apply -k`` has a Kustomize of its own, often an older one."""
    kubectl = parts.require("kubectl")
    folder = parts.DEPLOY / "overlays" / overlay
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert parts.parse(done.stdout) == parts.built(folder)
