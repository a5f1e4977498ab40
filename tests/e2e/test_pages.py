"""The pages that ``logs show`` and ``logs stats`` write, in a real browser: they render, light and dark, with no error."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.parts.requirement import require

from open_llm_proxy.logs.export import html_page, report
from open_llm_proxy.logs.stats import Figures, Percentiles, Stats
from open_llm_proxy.logs.weave import weave
from open_llm_proxy.logs.window import ALL

pytestmark = pytest.mark.slow

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--window-size=1200,1400", "--enable-logging=stderr",
)  # fmt: skip
DARK = "--blink-settings=preferredColorScheme=0"


def make_conversation() -> str:
    common = {"request_id": "1" * 32, "session_id": "s-1", "model": "kimi"}
    answer = "| a | b |\n|---|---|\n| 1 | 2 |\n\n```sql\nSELECT 1\n```\n<script>document.title = 'run'</script>"
    records = [
        {
            "type": "request",
            "timestamp": "2026-04-07T12:00:00Z",
            **common,
            "user_question": "How many?",
            "message_count": 1,
        },
        {
            "type": "response",
            "timestamp": "2026-04-07T12:00:01Z",
            **common,
            "content": answer,
            "reasoning_content": "Hm.",
        },
    ]
    return html_page.render(weave(records))


def make_report() -> str:
    days = [Figures(f"2026-04-{day:02}", calls=day, latency=Percentiles(100, 1000, 90_000)) for day in range(1, 29)]
    groups = {"day": days, "app": days[:1], "model": days[:3], "provider": days[:1]}
    return report.render(Stats(Figures("all", calls=406), days, groups, ALL), datetime(2026, 4, 29, tzinfo=UTC))


@pytest.mark.parametrize("make", [make_conversation, make_report])
def test_a_page_renders_in_both_schemes(make, tmp_path: Path):
    chromium = require("chromium")
    page = tmp_path / "page.html"
    page.write_text(make())
    pictures = []
    for scheme in ((), (DARK,)):
        picture = tmp_path / f"{len(pictures)}.png"
        command = [
            chromium,
            *FLAGS,
            *scheme,
            f"--user-data-dir={tmp_path / f'profile{len(pictures)}'}",
            f"--screenshot={picture}",
            page.as_uri(),
        ]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr
        assert "CONSOLE" not in said
        pictures.append(picture.read_bytes())
    assert min(map(len, pictures)) > 20_000  # an empty page is some 6,000
    assert pictures[0] != pictures[1]
