"""The inputs that are kept: a file a target, a line an input, base64 (RFC 4648 §4), in order of length."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("corpus")


def load(target: str) -> list[bytes]:
    """What is kept for a target."""
    path = FOLDER / f"{target}.txt"
    return [b64decode(line, validate=True) for line in path.read_text().splitlines()] if path.exists() else []


def store(target: str, inputs: Iterable[bytes]) -> None:
    """Keep these, each once."""
    lines = (b64encode(one).decode() for one in sorted(set(inputs), key=lambda one: (len(one), one)))
    (FOLDER / f"{target}.txt").write_text("".join(f"{line}\n" for line in lines))


def unpack(target: str, folder: Path) -> None:
    """Lay them out as libFuzzer wants them: a file an input."""
    for one in load(target):
        (folder / sha256(one).hexdigest()).write_bytes(one)
