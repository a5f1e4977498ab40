"""The real proxy before a scripted provider, one of each a module."""

from collections.abc import Iterator

import pytest
from tests.parts.mcp_server import EXAMPLE, RunningServer, run_mcp_server
from tests.parts.model_upstream import ModelUpstream, run_upstream
from tests.parts.proxy import Proxy, provider, run_proxy


@pytest.fixture(scope="module")
def shared_upstream() -> Iterator[ModelUpstream]:
    with run_upstream() as running:
        yield running


@pytest.fixture
def upstream(shared_upstream: ModelUpstream) -> ModelUpstream:
    """The module's provider, with nothing scripted and nothing seen."""
    shared_upstream.reset()
    return shared_upstream


@pytest.fixture(scope="module")
def proxy(shared_upstream: ModelUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The module's proxy: one provider ``up`` that takes every model, its key in ``UP_KEY``."""
    config = provider(shared_upstream.endpoint, api_key_env="UP_KEY", models_auth="x-api-key")
    with run_proxy(tmp_path_factory.mktemp("proxy"), config, env={"UP_KEY": "sk-provider-key"}) as running:
        yield running


@pytest.fixture(scope="module")
def parks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The example MCP server."""
    with run_mcp_server(tmp_path_factory.mktemp("parks"), EXAMPLE) as running:
        yield running
