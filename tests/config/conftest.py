import json

import pytest

from open_llm_proxy.config.load import Flags, load

SMALL = {"providers": {"nrp": {"endpoint": "https://nrp.example/v1/chat/completions", "models": ["kimi"]}}}


@pytest.fixture
def small():
    """The smallest configuration, fresh for each test."""
    return json.loads(json.dumps(SMALL))


@pytest.fixture
def loading(tmp_path):
    """Load ``config`` (a value, text or bytes) from ``tmp_path/config.json``, with only ``environ`` around it."""

    def run(config=None, environ=(), *, flags=None, home=True, **more):
        if config is not None:
            data = config if isinstance(config, bytes) else config if isinstance(config, str) else json.dumps(config)
            (tmp_path / "config.json").write_bytes(data if isinstance(data, bytes) else data.encode())
        around = {"HOME": str(tmp_path / "home")} if home else {}
        return load(Flags(**(flags or {})), {**around, **dict(environ)}, cwd=tmp_path, **more)

    return run
