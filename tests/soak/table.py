"""The soak's closing table."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from tests.soak.said import Books
from tests.soak.stage import Stage
from tests.soak.watch import MB, Growth


def print_table(
    seed: str,
    stage: Stage,
    books: Books,
    growths: Mapping[str, Growth],
    before: Mapping[str, Counter[str]],
    after: Mapping[str, Counter[str]],
) -> None:
    """Calls by kind, what was done to the proxy, and what its processes hold. ``before``, ``after``: their descriptors."""
    lines = [f"the same again: SOAK_SEED={seed}", *_calls(stage), *_faults(stage, books)]
    for name, growth in sorted(growths.items()):
        lines.append(
            f"{name}: {growth.early_bytes / MB:.1f} MB, {growth.calls} calls later {growth.late_bytes / MB:.1f} MB"
            f" ({growth.bytes_a_call:+.0f} bytes a call); descriptors {before[name].total()}, at the end {after[name].total()}"
        )
    for line in lines:
        print(line)  # noqa: T201 - it is measured for who runs this


def _calls(stage: Stage) -> list[str]:
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    for said in stage.said:
        ends[said.kind][str(said.end)] += 1
    rows = [
        f"  {kind:18}" + ", ".join(f"{count} {end}" for end, count in ends[kind].most_common()) for kind in sorted(ends)
    ]
    load = f"  {'plain and fast':18}{len(stage.load.whole)} whole, {stage.load.broken} broken"
    return [f"calls: {len(stage.said) + len(stage.load.whole) + stage.load.broken}", *rows, load]


def _faults(stage: Stage, books: Books) -> list[str]:
    done = ", ".join(f"{count} x {what}" for what, count in stage.faults.done.most_common())
    errors = ", ".join(f"{count} x {cause}" for cause, count in books.errors().most_common())
    megabytes = sum(record["request_bytes"] for record in books.requests.values()) / MB
    return [
        f"done to it: {done}",
        f"records: {len(books.requests)} calls, {megabytes:.0f} MB of requests; errors: {errors}",
    ]
