from pathlib import Path

import msgspec
import pytest

from bench import sides
from bench.bodies import MODEL, make_answer
from bench.certificates import Certificates
from bench.provider import Counts
from open_llm_proxy.config.schema import Config


class FixedProvider:
    """A provider that is not there: only its address is asked for."""

    port = 9999
    script = make_answer(922)

    def __init__(self, certificates: Certificates | None = None) -> None:
        self.certificates = certificates

    def count(self) -> Counts:
        return Counts(0, 0, 0)


def test_the_proxys_configuration_is_one_it_takes():
    config = msgspec.convert(sides.write_config(FixedProvider()), Config)
    assert config.providers["bench"].endpoint == "http://127.0.0.1:9999/v1/chat/completions"
    assert MODEL in config.providers["bench"].models
    assert config.ca_file is None


def test_a_provider_with_tls_is_reached_by_name_and_verified(tmp_path: Path):
    config = msgspec.convert(sides.write_config(FixedProvider(Certificates.make(tmp_path))), Config)
    assert config.providers["bench"].endpoint.startswith("https://localhost:9999/")
    assert config.ca_file == str(tmp_path / "ca.pem")


def test_nothing_of_the_shell_reaches_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "LOG_STORE", "PROXY_KEYS_EXTRA"):
        monkeypatch.setenv(name, "x")
    env = sides.write_environment(tmp_path)
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "LOG_STORE", "PROXY_KEYS_EXTRA"} & set(env)
    assert env["SPOOL_DIR"] == str(tmp_path / "spool")
