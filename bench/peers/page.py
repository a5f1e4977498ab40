"""The tables as they stand in the documents, from a result alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import table
from bench.peers import plot
from bench.peers.ours import NAME
from bench.peers.result import Kills, Measured, Result
from bench.table import format_number

START, END = "<!-- peers:start -->", "<!-- peers:end -->"
PLOT_NAME = "peers.svg"
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: its name, and a peer's cell."""

    name: str
    make: Callable[[Measured, Result], str]


def show(reading: str, *, scale: float = 1) -> Callable[[Measured, Result], str]:
    """A reading's median, or why there is none."""

    def make(peer: Measured, _result: Result) -> str:
        value = peer.find(reading)
        if value is None:
            return explain(peer, reading)
        return format_number(value * scale)

    return make


def show_cost(reading: str) -> Callable[[Measured, Result], str]:
    """CPU of the whole tree; where a recorder is a process of its own, what is beside it, too."""

    def make(peer: Measured, _result: Result) -> str:
        value, recorder = peer.find(reading), peer.find(f"{reading}, recorder")
        if value is None:
            return explain(peer, reading)
        if recorder is None:
            return format_number(value)
        serving, recording = format_number(value - recorder), format_number(recorder)
        return f"{format_number(value)} ({serving} serving, {recording} recorder)"

    return make


def show_added(connections: int) -> Callable[[Measured, Result], str]:
    """Latency less the latency straight at the provider: median and 99th percentile."""

    def make(peer: Measured, result: Result) -> str:
        cells: list[str] = []
        for percent in (50, 99):
            reading = f"p{percent} at {connections}"
            through, direct = peer.values.get(reading), result.direct.get(reading)
            if not through or not direct:
                return explain(peer, "latency" if connections == 1 else "call")
            cells.append(format_number((find_median(through) - find_median(direct)) / 1000))
        return " / ".join(cells)

    return make


def show_memory(peer: Measured, _result: Result) -> str:
    """With the streams open; fewer than a thousand are said."""
    value, opened = peer.find("memory"), peer.find("streams open")
    if value is None or opened is None:
        return explain(peer, "memory")
    return format_number(value) if opened >= 1000 else f"{format_number(value)} with {opened:.0f} open"


def find_median(values: Sequence[float]) -> float:
    """The middle one."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def explain(peer: Measured, reading: str) -> str:
    """Why a cell has no number; a footnote has the words."""
    if peer.absent:
        return "not run [^absent]"
    reason = peer.reasons.get(reading) or peer.reasons.get("all") or "not measured"
    return "failed" if reason.startswith("failed") else reason


LINES = (
    Line("version", lambda peer, _: peer.version),
    Line("written in", lambda peer, _: peer.language),
    Line("key check", lambda peer, _: explain(peer, "key check") if peer.absent else peer.key_check),
    Line("CPU a call, 1 KB in (µs)", show_cost("call")),
    Line("CPU a call, 100 KB in (µs)", show_cost("large call")),
    Line("CPU a call, HTTPS provider (µs)", show_cost("secured call")),
    Line("CPU a chunk of a stream (µs)", show_cost("chunk")),
    Line("calls a second, 64 connections", show("call, calls a second")),
    Line("added latency, 1 connection, p50 / p99 (ms)", show_added(1)),
    Line("added latency, 64 connections, p50 / p99 (ms)", show_added(64)),
    Line("memory at rest (MB)", show("memory at rest")),
    Line("memory, 1,000 streams (MB)", show_memory),
    Line("start to first answer (s)", show("start")),
    Line(
        "install (MB)", lambda peer, _: explain(peer, "size") if peer.absent else format_number(peer.size_bytes / _MB)
    ),
)


def render_measures(result: Result) -> str:
    """The table of costs, a peer a column."""
    names = [f"**{peer.name}**" if peer.name == NAME else peer.name for peer in result.peers]
    lines = [f"| | {' | '.join(names)} |", f"|{'---|' * (len(names) + 1)}"]
    lines += [f"| {line.name} | {' | '.join(line.make(peer, result) for peer in result.peers)} |" for line in LINES]
    return "\n".join(lines)


def render_kills(result: Result) -> str:
    """The table of what a kill leaves, a peer a row."""
    head = "| | its record of a call | holds bodies | kills | calls answered whole | on record after | lost |"
    return "\n".join([head, f"|{'---|' * 7}", *(render_kill(kills) for kills in result.kills)])


def render_kill(kills: Kills) -> str:
    """One row; lost calls as counted, and as a share."""
    name = f"**{kills.name}**" if kills.name == NAME else kills.name
    what = kills.what + (", after a new start" if kills.restarts else "")
    if not kills.rounds:
        reason = "failed" if kills.reason.startswith("failed") else kills.reason
        return f"| {name} | {what or '-'} | {kills.bodies or '-'} | 0 | - | - | {reason} |"
    answered = sum(kill.answered for kill in kills.rounds)
    kept = sum(kill.kept for kill in kills.rounds)
    lost = answered - kept
    share = f"{lost:,} ({lost / answered:.2%})" if lost else "0"
    return f"| {name} | {what} | {kills.bodies} | {len(kills.rounds)} | {answered:,} | {kept:,} | {share} |"


def render_notes(result: Result) -> str:
    """What each peer was, how it logged, and what failed."""
    notes = [f"- {peer.name} {peer.version} ({peer.source}): {describe(peer)}" for peer in result.peers]
    failures = [
        f"- {peer.name}, {reading}: {reason}".replace("\n", " ").replace("|", "\\|")
        for peer in result.peers
        for reading, reason in peer.reasons.items()
        if reason.startswith("failed")
    ]
    failures += [
        f"- {kills.name}, killed: {kills.reason}" for kills in result.kills if kills.reason.startswith("failed")
    ]
    return "\n".join([*notes, *failures])


def describe(peer: Measured) -> str:
    """Its logging, and what has to be known."""
    return "; ".join(text for text in (peer.absent or peer.logging, peer.note) if text)


def render_direct(result: Result) -> str:
    """What latencies are added to."""
    parts = [
        f"{connections} connection{'s' if connections > 1 else ''} "
        + " / ".join(f"{find_median(result.direct[f'p{percent} at {connections}']) / 1000:.3f}" for percent in (50, 99))
        for connections in (1, 64)
        if f"p50 at {connections}" in result.direct
    ]
    return f"Straight at the provider, p50 / p99 (ms): {', '.join(parts)}." if parts else ""


def render_tables(result: Result) -> str:
    """All of it."""
    facts = ", ".join(f"{name} {value}" for name, value in result.machine.items())
    parts = [
        render_measures(result),
        f"Measured {result.at[:16].replace('T', ' ')} UTC by `{result.command}`: {facts}; {result.plan}. "
        + render_direct(result),
        " ".join(result.problems),
        render_notes(result),
        "What is on record after SIGKILL to the whole process tree under load:",
        render_kills(result),
    ]
    return "\n\n".join(part for part in parts if part).replace(" [^absent]", "")


def render_summary(result: Result) -> str:
    """The README's few lines: the plot, and the kill's outcome in one sentence each."""
    day = result.at[:10]
    rows = ["| | CPU a call | memory, 1,000 streams (MB) | answered calls lost by SIGKILL |", "|---|---|---|---|"]
    lost = {kills.name: kills for kills in result.kills}
    for peer in result.peers:
        cost, memory = show_cost("call")(peer, result), show_memory(peer, result)
        name = f"**{peer.name}**" if peer.name == NAME else peer.name
        unit = "" if peer.find("call") is None else " µs"
        rows.append(f"| {name} | {cost}{unit} | {memory} | {summarize_kill(lost.get(peer.name))} |")
    rows = [row.replace(" [^absent]", "") for row in rows]
    return "\n".join(
        [
            f"![CPU, memory and latency beside the peers](docs/{PLOT_NAME})",
            "",
            *rows,
            "",
            f"Measured {day}.",
            *result.problems,
        ]
    )


def summarize_kill(kills: Kills | None) -> str:
    """Lost of answered."""
    if kills is None or not kills.rounds:
        return kills.reason if kills and not kills.reason.startswith("failed") else "not measured"
    answered = sum(kill.answered for kill in kills.rounds)
    lost = answered - sum(kill.kept for kill in kills.rounds)
    return f"{lost:,} of {answered:,}"


def put_in_documents(result: Result, root: Path) -> None:
    """Write docs/performance.md's section, the README's, and the plot.

    Raises:
        ValueError: a document has no markers.
    """
    table.put_in(root / "docs" / "performance.md", render_tables(result), START, END)
    table.put_in(root / "README.md", render_summary(result), START, END)
    (root / "docs" / PLOT_NAME).write_text(plot.draw(result))
