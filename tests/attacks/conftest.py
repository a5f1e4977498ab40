"""The real proxy between an attacker and a provider that notes each byte."""

import os
from collections.abc import Iterator

import pytest
from tests.attacks.wire import Tap, run_tap
from tests.parts.proxy import Proxy, provider, run_proxy

QUIET_S = 1.0 if os.environ.get("CI") else 0.6
"""Nothing for so long: the other side waits for more. Long against a busy machine's pauses."""


@pytest.fixture(scope="module")
def tap() -> Iterator[Tap]:
    with run_tap() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(tap: Tap, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with run_proxy(tmp_path_factory.mktemp("attacked"), provider(f"http://127.0.0.1:{tap.port}/v1")) as running:
        yield running
