"""llama.cpp's server with a tiny model, as a real model server.

It is Debian sid's, in a folder of its own, and runs with that folder's loader and libraries: no root, no chroot.
"""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.parts.ports import free_port
from tests.parts.processes import plain_environment, run_program
from tests.parts.requirement import require
from tests.parts.tiny_model import write_tiny_model

KEY: Final = "sk-llama-server"
MODEL: Final = "tiny"
CONTEXT_TOKENS: Final = 1024


@contextmanager
def run_llama(folder: Path, *, embeddings: bool = False) -> Iterator[str]:
    """A model server for as long as the block takes; gives its root URL."""
    root = require("llama.cpp")
    model, port = folder / "tiny.gguf", free_port()
    write_tiny_model(model)
    libraries = next(root.glob("usr/lib/*-linux-gnu"))
    loader = next(libraries.glob("ld-linux*.so.*"))
    command: list[str | Path] = [
        loader,
        "--library-path",
        f"{libraries}:{libraries}/llama",
        root / "usr/bin/llama-server",
    ]
    command += ["--model", model, "--alias", MODEL, "--api-key", KEY, "--host", "127.0.0.1", "--port", str(port)]
    command += [
        "--ctx-size",
        str(CONTEXT_TOKENS),
        "--parallel",
        "1",
        "--threads",
        "1",
        "--no-warmup",
        "--no-ui",
        "--offline",
    ]
    if embeddings:
        command += ["--embeddings", "--pooling", "mean"]
    env = plain_environment(folder)
    if backend := _plainest_backend(libraries):
        env["GGML_BACKEND_PATH"] = str(backend)
    url = f"http://127.0.0.1:{port}"
    with run_program(command, env=env, folder=folder) as program:
        program.wait_until(lambda: _is_ready(url), "a model server that is ready")
        yield url


def _plainest_backend(libraries: Path) -> Path | None:
    """Every processor runs it; the server looks for backends at their installed path, which is not where ours are."""
    return next(libraries.glob("ggml/*/libggml-cpu-x64.so"), None) or next(
        libraries.glob("ggml/*/libggml-cpu*.so"), None
    )


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
            return json.load(answer)["status"] == "ok"
    except OSError:
        return False
