"""Where a plan's results are: ``cells/`` with a file a cell, ``judge/`` with the judge's transcripts, the reports.

Each file is written whole or not at all, so that a run that was killed goes on where it was.
"""

import fcntl
import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from open_llm_proxy.agent.cell import Cell, was_run
from open_llm_proxy.agent.jsonvalues import Object, as_object
from open_llm_proxy.agent.transcript import write_whole
from open_llm_proxy.errors import UserError

CELLS: Final = "cells"
JUDGE: Final = "judge"
LOCK: Final = ".lock"


class CellFolder:
    """A plan's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def held(self) -> Generator[None]:
        """Nobody else runs a plan in it meanwhile.

        Raises:
            UserError: Somebody does, or it cannot be written.
        """
        try:
            for name in (CELLS, JUDGE):
                (self.path / name).mkdir(parents=True, exist_ok=True)
            lock = (self.path / LOCK).open("w")
        except OSError as error:
            raise UserError(f"{self.path} cannot be written: {error.strerror}", "Name another folder: --out") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UserError(
                    f"another run is writing to {self.path}", "Wait for it, or name another folder: --out"
                ) from error
            yield

    def file(self, cell: Cell) -> Path:
        """A cell's file."""
        return self.path / CELLS / f"{cell.name}.json"

    def judge_file(self, cell: Cell) -> Path:
        """The transcript of who judged its answer."""
        return self.path / JUDGE / f"{cell.name}.json"

    def read(self, cell: Cell) -> Object | None:
        """What is kept of a cell; None: nothing, or no JSON."""
        try:
            return as_object(json.loads(self.file(cell).read_text(encoding="utf-8"))) or None
        except (OSError, ValueError):
            return None

    def write(self, cell: Cell, saved: Object) -> None:
        """Keep a cell.

        Raises:
            UserError: It cannot be written.
        """
        self.put(self.file(cell), json.dumps(saved, ensure_ascii=False, indent=2))

    def put(self, path: Path, text: str) -> None:
        """Write one of the folder's files, whole.

        Raises:
            UserError: It cannot be written.
        """
        try:
            write_whole(path, text)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}") from error

    def finished(self, cell: Cell) -> Object | None:
        """What is kept of a cell that was run, as the plan has it now; None: it is to be run."""
        saved = self.read(cell)
        if saved is None or as_object(saved.get("cell")).get("sha256") != cell.sha256 or not was_run(saved):
            return None
        return saved

    def others(self, names: set[str]) -> list[str]:
        """Files of cells that are not among ``names``."""
        return sorted(path.stem for path in (self.path / CELLS).glob("*.json") if path.stem not in names)
