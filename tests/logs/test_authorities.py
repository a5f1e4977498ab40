import json
from pathlib import Path

import pytest
import trustme

from open_llm_proxy.config.reader import Reader
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.authorities import ca_file_of


@pytest.fixture
def pem(tmp_path):
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return str(path)


def of(**environ):
    return ca_file_of(Reader(environ, cwd=Path.cwd(), below={}, below_path=""))


def test_the_system_s_are_enough():
    assert of() is None


def test_our_variable_counts_before_the_common_one(pem, tmp_path):
    assert of(LOGS_CA_FILE=pem, AWS_CA_BUNDLE=str(tmp_path / "none")) == pem
    assert of(AWS_CA_BUNDLE=pem) == pem


def test_else_the_proxy_s_configuration_names_it(pem, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps({"providers": {"a": {"endpoint": "https://a.example/v1/chat/completions"}}, "ca_file": "ca.pem"})
    )
    assert of(OPEN_LLM_PROXY_CONFIG=str(config)) == pem
    config.write_text("{")
    assert of(OPEN_LLM_PROXY_CONFIG=str(config)) is None


@pytest.mark.parametrize("name", ["LOGS_CA_FILE", "AWS_CA_BUNDLE"])
def test_what_is_no_such_file_is_refused_by_its_variable_s_name(name, tmp_path):
    other = tmp_path / "other"
    other.write_text("no certificate")
    with pytest.raises(UserError, match=f"{name}: .*no certificates in PEM form"):
        of(**{name: str(other)})
    with pytest.raises(UserError, match=f"{name}: .*can't be read: No such file"):
        of(**{name: str(tmp_path / "none")})
