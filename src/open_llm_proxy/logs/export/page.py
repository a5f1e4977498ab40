"""The frame of a self-contained HTML page: one style for conversations and reports, light and dark, no script."""

from html import escape
from typing import Final

STYLE: Final = """
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #1b1f24; --soft: #5c6672; --line: #d9dee5; --tint: #eef1f5;
  --user: #0b57a4; --answer: #16704a; --tool: #7a4b00; --bad: #b3261e; --badtint: #fdecea; --mark: #fff3c4;
  --word: #8250df; --string: #0a6640; --number: #9a5200;
  --c1: #2f6fb4; --c2: #d9822b; --c3: #3d9970; --c4: #b5476d; --c5: #7b61c4; --c6: #6f7d8c; }
@media (prefers-color-scheme: dark) { :root {
  --page: #14171b; --card: #1c2127; --ink: #e3e7ec; --soft: #9aa5b1; --line: #333b45; --tint: #262d35;
  --user: #7db4f0; --answer: #6fcf9f; --tool: #e0b36a; --bad: #ff9a90; --badtint: #3a2220; --mark: #4a4013;
  --word: #c9a6ff; --string: #7fd6a8; --number: #f0b070;
  --c1: #6ea8e5; --c2: #efa857; --c3: #6cc79f; --c4: #e389a8; --c5: #b09bec; --c6: #a3afbc; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.45rem; line-height: 1.3; margin: 0 0 .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .75rem; }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
"""


def render_page(title: str, style: str, body: str) -> str:
    """A whole page; ``body`` is HTML, ``title`` a text."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # What was recorded is escaped; should any of it slip through, it must not load or run anything.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
