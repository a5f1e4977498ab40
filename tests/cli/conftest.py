"""The command line, in this process."""

import json
from typing import NamedTuple

import pytest

from open_llm_proxy.cli.main import main

CONFIG = {"providers": {"up": {"endpoint": "http://127.0.0.1:1/v1/chat/completions", "models": ["a", "b"]}}}


class Said(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a configuration, and an environment with a key and nothing else of ours."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPEN_LLM_PROXY_CONFIG", "LOG_DIR", "LOG_STORE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PROXY_KEY", "the-key-of-tests")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    return tmp_path


@pytest.fixture
def run(here, capfd):
    def run(*arguments: str) -> Said:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        said = capfd.readouterr()
        return Said(caught.value.code or 0, said.out, said.err)

    return run
