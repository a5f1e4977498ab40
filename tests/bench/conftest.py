"""The rig is no installed package: its folder is the repository's."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.bodies import Script
from bench.provider import ScriptedProvider, build_provider, serve_script


@pytest.fixture(scope="session")
def provider_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        pytest.skip("no C compiler")
    return build_provider(tmp_path_factory.mktemp("provider"))


@pytest.fixture
def play(provider_program: Path, tmp_path: Path) -> Iterator[Callable[..., ScriptedProvider]]:
    """Start the scripted provider with a script."""
    with ExitStack() as stack:

        def start(script: Script, pace_ms: float = 0) -> ScriptedProvider:
            return stack.enter_context(serve_script(provider_program, tmp_path, script, pace_ms=pace_ms))

        yield start
