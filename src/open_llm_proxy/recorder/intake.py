"""One writer's directory on its way into chunk files: segments in, lines out, segments deleted."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from open_llm_proxy.recorder.answered import Answered, Observer
from open_llm_proxy.recorder.fold import Fold, Segment
from open_llm_proxy.recorder.follow import Follower, Reading
from open_llm_proxy.recorder.outbox import Outbox
from open_llm_proxy.recorder.progress import DEADLY, HOPELESS, Place, Progress
from open_llm_proxy.recorder.rendering import UNREADABLE_BYTES, Renderer
from open_llm_proxy.recorder.settings import RecorderSettings
from open_llm_proxy.recorder.sinks.stdout import QUEUE_BYTES, StdoutSink
from open_llm_proxy.recorder.tally import Tally
from open_llm_proxy.spool.directory import make_folder, parts_root
from open_llm_proxy.spool.reader import Damage, Item, Whole
from open_llm_proxy.store.layout import unreadable_key

RETRY_S: Final = 5.0
UNREADABLE_PART: Final = "unreadable.part"


class Tools(NamedTuple):
    """What all directories share. ``renderer`` and ``settings`` change at a reload; hence functions.

    ``observers`` are told of each call that has ended.
    """

    settings: Callable[[], RecorderSettings]
    renderer: Callable[[], Renderer]
    outbox: Outbox
    stdout: StdoutSink
    progress: Progress
    tally: Tally
    say: Callable[[str], None]
    observers: Sequence[Observer] = ()


class Intake:
    """Works one directory off. ``only_stdout``: no store takes chunk files; lines go to stdout alone."""

    def __init__(self, follower: Follower, tools: Tools, *, only_stdout: bool) -> None:
        self.follower = follower
        self._tools = tools
        self._only_stdout = only_stdout
        self._ascii_name = follower.name.encode("ascii")
        self._folds: dict[str, Fold] = {}
        self._counted = 0  # records of the folds that the tally knows
        self._told: tuple[int, int] = (0, -1)  # segment and byte up to which stdout and the tally know the frames
        self._retry_at_s = 0.0

    @property
    def gone(self) -> bool:
        """Whether the directory is done with and removed."""
        return self.follower.gone

    @property
    def oldest_ns(self) -> int:
        """The Unix time of the oldest record that is in no finished chunk file; 0: there is none."""
        return min((fold.oldest_ns for fold in self._folds.values() if fold.oldest_ns), default=0)

    def work(self, until_s: float) -> bool:
        """Read on until there is nothing more or the time (monotonic) has come; whether anything was read.

        An error of the disk sets the directory back: it is read again later, from where the outbox ends.
        """
        if time.monotonic() < self._retry_at_s:
            return False
        try:
            return self._work(until_s)
        except OSError as error:
            self._tools.say(f"the spool directory {self.follower.path} cannot be worked off now: {error}")
            self.discard()
            self._retry_at_s = time.monotonic() + RETRY_S
            return False

    def _work(self, until_s: float) -> bool:
        worked = False
        for reading, items in self.follower.poll():
            worked = worked or bool(items) or reading.ended
            self._take(reading, items)
            if self._only_stdout and not self._tools.stdout.wait(0, QUEUE_BYTES // 2):
                return False  # it is the only sink: the rest waits in the spool
            if time.monotonic() >= until_s:
                return worked
        self._finish_due(everything=self.follower.dead)
        return worked

    # --- frames --------------------------------------------------------------------------------------------------

    def _take(self, reading: Reading, items: list[Item]) -> None:
        if reading.name.closed is None and not self._is_begun(reading):
            self._finish_due(everything=False)  # under load the moment when nothing more is there may never come
        fold = self._fold_of(reading)
        stdout: list[bytes] = []
        progress, number = self._tools.progress, reading.name.number
        for item in items:
            progress.begin(self._ascii_name, number, item.offset)
            deaths = self._deaths_at(number, item.offset) if progress.deadly else 0
            if isinstance(item, Damage):
                self._on_damage(reading, item, deaths)
                continue
            if item.offset >= reading.place:
                self._on_frame(reading, fold, item, stdout, deaths)
            reading.track(item.frame)
        if reading.ended:
            self._on_end(reading, fold, stdout)
        self._tools.progress.done()
        self._tools.stdout.write(stdout)

    def _is_begun(self, reading: Reading) -> bool:
        fold = self._folds.get(reading.name.day)
        return fold is not None and fold.busy and fold.number == reading.name.number

    def _fold_of(self, reading: Reading) -> Fold:
        day = reading.name.day
        fold = self._folds.get(day)
        if fold is None:
            settings = self._tools.settings()
            folder = parts_root(settings.spool)
            fold = Fold(folder, self.follower.name, day, settings.chunk_bytes, keep=not self._only_stdout)
            self._folds[day] = fold
        if not self._is_begun(reading):
            fold.begin(reading.name.number, reading.place)
        return fold

    def _deaths_at(self, number: int, offset: int) -> int:
        """How often in a row the recorder has died at the item there."""
        return self._tools.progress.deaths_at(Place(self.follower.name, number, offset))

    def _on_frame(self, reading: Reading, fold: Fold, item: Whole, stdout: list[bytes], deaths: int) -> None:
        tools, frame = self._tools, item.frame
        if deaths >= DEADLY:
            reason = f"the recorder died {deaths} times at this frame"
            self._set_aside(reading, item.offset, reason, repr(frame.header), frame.body if deaths < HOPELESS else b"")
            return
        try:
            rendered = tools.renderer().render(frame, reading.header, reading.name.day)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this frame's, and the next one waits
            reason = f"no record could be made: {error!r}"
            self._set_aside(reading, item.offset, reason, repr(frame.header), frame.body)
            return
        fold.add(rendered.lines, item.end, frame.header.at_ns)
        if self._is_news(reading.name.number, item.offset):
            stdout += rendered.stdout
            tools.tally.frame(frame.header)
            self._counted += 1
            if rendered.answered is not None:
                self._tell(reading.name.number, item.offset, rendered.answered)

    def _tell(self, number: int, offset: int, answered: Answered) -> None:
        place = Place(self.follower.name, number, offset)
        for observer in self._tools.observers:
            try:
                observer.observe(place, answered)
            except Exception as error:  # noqa: BLE001 - numbers and spans are worth less than the record
                self._tools.say(f"a call could not be counted or traced: {error!r}")

    def _is_news(self, number: int, offset: int) -> bool:
        """Whether a place is reached for the first time: what is read again is not told again."""
        if (number, offset) <= self._told:
            return False
        self._told = number, offset
        return True

    def _on_damage(self, reading: Reading, damage: Damage, deaths: int) -> None:
        if damage.torn:
            if self._is_news(reading.name.number, damage.offset):
                size = damage.end - damage.offset
                self._tools.say(f"{reading.path}: the writer was killed at a frame; its {size} bytes are left out")
            return
        data = reading.reader.bytes_of(damage, UNREADABLE_BYTES) if deaths < HOPELESS else b""
        self._set_aside(reading, damage.offset, damage.reason, f"bytes {damage.offset} to {damage.end}", data)

    def _set_aside(self, reading: Reading, offset: int, reason: str, about: str, body: bytes) -> None:
        """Keep as scrubbed text what is no record, where the store's reader can find it."""
        tools = self._tools
        text = tools.renderer().unreadable(reason, about, body)
        key = unreadable_key(reading.name.day, self.follower.name, reading.name.number, offset)
        part = parts_root(tools.settings().spool) / UNREADABLE_PART
        make_folder(part.parent)
        with part.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        tools.outbox.add(key, part, 0)
        if self._is_news(reading.name.number, offset):
            tools.tally.unreadable()
            tools.say(f"a frame of {reading.path} is set aside as {key}: {reason}")

    # --- segments and chunk files --------------------------------------------------------------------------------

    def _on_end(self, reading: Reading, fold: Fold, stdout: list[bytes]) -> None:
        if reading.bereaved and reading.open_calls:
            self._end_calls(reading, fold, stdout)
        fold.end(Segment(reading.name, reading.path, reading.header))
        settings = self._tools.settings()
        if fold.size >= settings.chunk_bytes // 2 or fold.age_s >= settings.log.flush_interval_s:
            self._finish(fold)

    def _end_calls(self, reading: Reading, fold: Fold, stdout: list[bytes]) -> None:
        """The writer is gone: each call that was open gets its response record."""
        died_ns = reading.died_ns
        lines: list[bytes] = []
        told: list[bytes] = []
        ended: list[Answered] = []
        for header in reading.open_calls.values():
            rendered = self._tools.renderer().render_ended(header, died_ns, reading.header)
            lines += rendered.lines
            told += rendered.stdout
            ended += [] if rendered.answered is None else [rendered.answered]
        end = reading.reader.offset
        fold.add(lines, end, died_ns)
        if self._is_news(reading.name.number, end):
            stdout += told
            self._tools.tally.ended(len(lines))
            self._counted += len(lines)
            for count, answered in enumerate(ended):
                self._tell(reading.name.number, end + count, answered)

    def _finish_due(self, *, everything: bool) -> None:
        interval_s = self._tools.settings().log.flush_interval_s
        for fold in list(self._folds.values()):
            if not fold.busy and (everything or fold.is_due(interval_s)):
                self._finish(fold)

    def finish_all(self) -> None:
        """Close every chunk file whose segments have all been read, before its time."""
        try:
            self._finish_due(everything=True)
        except OSError as error:
            self._tools.say(f"a chunk file of {self.follower.path} cannot be finished: {error}")
            self.discard()

    def _finish(self, fold: Fold) -> None:
        if self._only_stdout and not self._tools.stdout.wait(0):
            return  # its lines are not out yet
        fold.finish(self._tools.outbox)
        del self._folds[fold.day]
        if not self._folds:
            self._tools.tally.finished(self._counted)
            self._counted = 0

    def discard(self) -> None:
        """Forget what is not in the outbox; it will be read again."""
        for fold in self._folds.values():
            fold.discard()
        self._folds.clear()
        self.follower.restart()
        self._tools.renderer().forget()

    def close(self) -> None:
        """Leave the directory as it is, for the next start."""
        self.discard()
        self.follower.release()
