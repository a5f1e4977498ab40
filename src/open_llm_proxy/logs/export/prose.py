"""An answer's Markdown as HTML, as far as models use it: headings, lists, tables, code, emphasis. All text is escaped.

What is not understood stays as it was written; links are shown, not followed; nothing is nested but emphasis.
"""

import re
from collections.abc import Callable, Iterator
from html import escape
from typing import Final

_FENCE: Final = re.compile(r"\s{0,3}(`{3,}|~{3,})\s*([\w+-]*)")
_HEADING: Final = re.compile(r"#{1,6}\s+(\S.*)")
_BULLET: Final = re.compile(r"(\s*)(?:[-*+]|(\d{1,9})[.)])\s+(.*)")
_RULE: Final = re.compile(r"\s{0,3}(?:-\s*){3,}|\s{0,3}(?:\*\s*){3,}|\s{0,3}(?:_\s*){3,}")
_DIVIDER: Final = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_CODE: Final = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_STRONG: Final = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*|__(?=\S)(.+?)(?<=\S)__")
_EMPHASIS: Final = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]+?)(?<=[^\s*])\*(?![\w*])")

_LONGEST: Final = 10_000
"""Looking for the ends of emphasis takes the square of a text's length: a longer one has none."""

STYLE: Final = """
.prose { overflow-wrap: anywhere; } .prose > :first-child { margin-top: 0; } .prose > :last-child { margin-bottom: 0; }
.prose p { margin: .5rem 0; white-space: pre-line; } .prose h4 { margin: 1rem 0 .4rem; font-size: 1.02rem; }
.prose ul { margin: .4rem 0; padding-left: 1.3rem; list-style: none; } .prose li { position: relative; }
.prose li > b.mark { position: absolute; left: -1.3rem; font-weight: 400; color: var(--soft); }
.prose li.deep { margin-left: 1.3rem; }
.prose code { background: var(--tint); border-radius: 4px; padding: .05rem .3rem; }
.prose pre code { background: none; padding: 0; } .prose .table { overflow-x: auto; }
.prose table { border-collapse: collapse; font-size: .92rem; margin: .5rem 0; }
.prose th, .prose td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; vertical-align: top; }
.prose th { background: var(--tint); } .prose hr { border: 0; border-top: 1px solid var(--line); }
"""


def render_prose(text: str, code: Callable[[str, str], str]) -> str:
    """The HTML of a text.

    Args:
        text: Markdown.
        code: Makes HTML of a block of code and its language (``sql``, or nothing).
    """
    return "".join(_blocks(text.split("\n"), code))


def _blocks(lines: list[str], code: Callable[[str, str], str]) -> Iterator[str]:
    place = 0
    while place < len(lines):
        line = lines[place]
        fence, heading = _FENCE.match(line), _HEADING.fullmatch(line)
        begin = place
        if fence is not None:
            place = _end_of_fence(lines, place, fence[1])
            yield f"<pre><code>{code(chr(10).join(lines[begin + 1 : place]), fence[2].lower())}</code></pre>"
            place += 1
        elif heading is not None:
            yield f"<h4>{_inline(heading[1].rstrip('# '))}</h4>"
            place += 1
        elif _is_table(lines, place):
            place = _run(lines, place, lambda one: "|" in one)
            yield _table(lines[begin], lines[begin + 2 : place])
        elif _RULE.fullmatch(line):
            yield "<hr>"
            place += 1
        elif _BULLET.fullmatch(line):
            place = _run(lines, place, lambda one: _BULLET.fullmatch(one) is not None)
            yield f"<ul>{''.join(map(_item, lines[begin:place]))}</ul>"
        elif line.strip():
            place = _end_of_paragraph(lines, place)
            yield f"<p>{_inline(chr(10).join(lines[begin:place]))}</p>"
        else:
            place += 1


def _end_of_fence(lines: list[str], begin: int, fence: str) -> int:
    """The line that closes a block of code (CommonMark 4.5); without one the end of all."""
    for place in range(begin + 1, len(lines)):
        closing = lines[place].strip()
        if len(closing) >= len(fence) and set(closing) == {fence[0]}:
            return place
    return len(lines)


def _run(lines: list[str], begin: int, goes_on: Callable[[str], bool]) -> int:
    place = begin
    while place < len(lines) and goes_on(lines[place]):
        place += 1
    return place


def _end_of_paragraph(lines: list[str], begin: int) -> int:
    place = begin + 1
    while place < len(lines) and lines[place].strip() and not _begins_block(lines, place):
        place += 1
    return place


def _begins_block(lines: list[str], place: int) -> bool:
    line = lines[place]
    begins = _FENCE.match(line) or _HEADING.fullmatch(line) or _BULLET.fullmatch(line) or _RULE.fullmatch(line)
    return begins is not None or _is_table(lines, place)


def _is_table(lines: list[str], place: int) -> bool:
    return (
        place + 1 < len(lines)
        and "|" in lines[place]
        and "|" in lines[place + 1]
        and _DIVIDER.fullmatch(lines[place + 1]) is not None
    )


def _table(head: str, rows: list[str]) -> str:
    titles = "".join(f"<th>{_inline(cell)}</th>" for cell in _cells(head))
    body = "".join(f"<tr>{''.join(f'<td>{_inline(cell)}</td>' for cell in _cells(row))}</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'


def _cells(row: str) -> list[str]:
    inner = row.strip().removeprefix("|")
    inner = inner.removesuffix("|") if not inner.endswith("\\|") else inner
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _item(line: str) -> str:
    match = _BULLET.fullmatch(line)
    assert match is not None
    depth = ' class="deep"' if len(match[1].expandtabs(4)) >= 2 else ""
    mark = f"{match[2]}." if match[2] else "•"
    return f'<li{depth}><b class="mark">{mark}</b>{_inline(match[3])}</li>'


def _inline(text: str) -> str:
    """Code spans as they are, emphasis in what is between them."""
    pieces: list[str] = []
    place = 0
    for match in _CODE.finditer(text):
        pieces.append(_emphasise(text[place : match.start()]))
        pieces.append(f"<code>{escape(match[2].strip() or match[2])}</code>")
        place = match.end()
    return "".join(pieces) + _emphasise(text[place:])


def _emphasise(text: str) -> str:
    if len(text) > _LONGEST:
        return escape(text)
    strong = _STRONG.sub(lambda match: f"<strong>{match[1] or match[2]}</strong>", escape(text))
    return _EMPHASIS.sub(r"<em>\1</em>", strong)
