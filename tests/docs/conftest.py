"""Chunk files that the real proxy made: in a folder and in a bucket."""

from collections.abc import Iterator

import pytest
from tests.docs.page import CALLS, converse, fill, open_to_everybody
from tests.parts.bucket import Bucket
from tests.parts.model_upstream import ModelUpstream, run_upstream
from tests.parts.proxy import Proxy, provider, run_proxy
from tests.parts.s3_server import run_s3_server


@pytest.fixture(scope="session")
def upstream() -> Iterator[ModelUpstream]:
    with run_upstream() as running:
        yield running


@pytest.fixture(scope="session")
def folder(upstream: ModelUpstream, tmp_path_factory: pytest.TempPathFactory) -> Proxy:
    """A proxy that has ended, and its records in ``log_dir``."""
    place = tmp_path_factory.mktemp("folder")
    with run_proxy(place, provider(upstream.endpoint), env={"LOG_CAPTURE_MODE": "full"}) as proxy:
        converse(proxy, upstream)
        proxy.calls(CALLS)
    return proxy


@pytest.fixture(scope="session")
def bucket(upstream: ModelUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """A bucket with the records of the same calls."""
    with run_s3_server(tmp_path_factory.mktemp("server")) as server:
        made = server.bucket()
        open_to_everybody(made)
        fill(made, upstream, tmp_path_factory.mktemp("bucket"))
        yield made
