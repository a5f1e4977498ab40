"""Secrets in free text: what stands after a secret's name, credentials of HTTP, well-known forms of keys.

Each rule finds a literal first and looks around it then; what a rule has taken is not looked at again: the cost is
linear in the text, whatever it holds. Quotes may be escaped any number of times (JSON in a string in JSON).
"""

import base64
import binascii
import heapq
import io
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

REDACTED: Final = "[REDACTED]"

# What may stand before a name: anything but a letter or digit, unless these end an escape ("\npassword", "%20token").
_bounded = re.compile(r"(?<![a-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9a-f]{4})|(?<=%[0-9a-f]{2})").match
_SPACE = r"(?:\s|\\++[nrt]|%20)"
_ASSIGNED = (
    rf"(?:(?P<close>\\*+[\"'`])\]?+)?+{_SPACE}*+"  # a quoted name ends, an index ends: "api_key": …, env["API_KEY"] = …
    rf"(?P<sep>:=|=>|={{1,3}}+|:|%3d|%3a){_SPACE}*+"
)
_QUOTED_ONLY = rf"{_SPACE}++(?=\\*+')"  # DuckDB: SECRET '…'


class _Rule(NamedTuple):
    """Names that begin with ``needle``, and what must follow them; matched in folded text."""

    needle: str
    pattern: re.Pattern[str]


def _rule(needle: str, names: str, follows: str = _ASSIGNED) -> _Rule:
    return _Rule(needle, re.compile(names + follows))


_RULES: Final = (
    _rule("s3", r"s3[_-]key"),
    _rule("access", r"access[_-]key[_-]id"),
    _rule("secret", r"secret(?:[_-]access[_-]key)?+"),
    _rule("aws", r"aws[_-]access"),
    _rule("api", r"api[_-]?+key"),
    _rule("passw", r"passw(?:or)?+d"),
    _rule("token", r"token"),
    _rule("authorization", r"authorization"),
    _rule("bearer", r"bearer"),
    _rule("amz", r"amz[_-](?:signature|credential)"),
    _rule("goog", r"goog[_-](?:signature|credential)"),
    _rule("key_id", r"key_id", _QUOTED_ONLY),
    _rule("secret", r"secret", _QUOTED_ONLY),
    _rule("session_token", r"session_token", _QUOTED_ONLY),
)
_OPENING: Final = re.compile(r"[fFrRbBuU]{0,2}+(\\*+)([\"'`])")  # Python's prefixes before a quote
# A value without quotes: up to white space, a quote or an escape; a separator ends it where another name follows.
_BARE: Final = re.compile(
    r"(?:[^\s\"'`\\,;&<]|\\++(?![\"'`nrtbfu\\]|\Z)|[,;&](?!\s|(?:amp;)?[\w.%-]*+\s?[=:]|\Z)|<(?!/))++"
)
_LITERAL: Final = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null|None|True|False")
_TRAILING: Final = ".,;:!?)]}>"
_MIN_LENGTH: Final = 8
_MOST_ESCAPES: Final = 127  # of a quote seven levels deep; bounds how often a text is searched for one that never comes
_SCHEME_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{2,15} (?=[A-Za-z0-9])")  # "Authorization: token ghp_…"

_SCHEME: Final = re.compile(r"(?:bearer|basic)(?:[ \t]|%20|\+)++")
_HEADER: Final = re.compile(r"authorization[\"'`\\\]\s]*+(?:[:=,]>?|%3a|%3d)[\"'`\\\s]*+\Z")
_CREDENTIALS: Final = re.compile(r"(?:[A-Za-z0-9._~+=-]|\\*+/)++")  # RFC 9110 §11.2, token68
_SK: Final = re.compile(r"sk-[A-Za-z0-9_-]{6,}+")
_AKIA: Final = re.compile(r"AKIA[A-Z0-9]{8,}+")
_SIGNATURE: Final = re.compile(r"sig(?:nature)?+(?:=|%3d)")
_SIGNED: Final = re.compile(r"(?:[A-Za-z0-9%+=_~.-]|\\*+/){16,}+")

Span = tuple[int, int]


def fold(text: str) -> str:
    """Lower case, each character where it was (``İ`` alone would become two)."""
    folded = text.lower()
    return folded if len(folded) == len(text) else text.replace("\u0130", "i").lower()


def redact(text: str) -> str:
    """The text with ``[REDACTED]`` for each secret that its surroundings or its form give away."""
    text = _splice(text, _token_spans(text, fold(text)))
    return _splice(text, _named_spans(text, fold(text)))


def has_candidates(text: str) -> bool:
    """Whether any rule finds a place to look at; where none does, ``redact`` would change nothing."""
    folded = fold(text)
    if any(rule.needle in folded and rule.pattern.search(folded) for rule in _RULES):
        return True
    if _SK.search(text) or _AKIA.search(text) or _SIGNATURE.search(folded):
        return True
    return ("bearer" in folded or "basic" in folded) and _SCHEME.search(folded) is not None


def _splice(text: str, spans: Iterable[Span]) -> str:
    """The text with a mark for each span; spans come ordered by their start, and may overlap."""
    out: io.StringIO | None = None
    position = 0
    for start, end in spans:
        if end <= position:
            continue
        out = out or io.StringIO(newline="")  # a hostile text has millions of spans: no list of pieces
        if start >= position:
            out.write(text[position:start])
            out.write(REDACTED)
        position = end
    if out is None:
        return text
    out.write(text[position:])
    return out.getvalue()


def _token_spans(text: str, folded: str) -> Iterator[Span]:
    """Secrets that are known by their own form, or by the scheme before them, in order."""
    kinds = [_key_spans(text, folded, _SK), _key_spans(text, folded, _AKIA)]
    if "bearer" in folded or "basic" in folded:
        kinds.append(_scheme_spans(text, folded))
    if "sig" in folded:
        kinds.append(_signature_spans(text, folded))
    return heapq.merge(*kinds)


def _key_spans(text: str, folded: str, pattern: re.Pattern[str]) -> Iterator[Span]:
    for match in pattern.finditer(text):
        if _bounded(folded, match.start()) and (pattern is _AKIA or _is_key(match[0][3:])):
            yield match.span()


def _signature_spans(text: str, folded: str) -> Iterator[Span]:
    position = 0
    for match in _SIGNATURE.finditer(folded):
        if match.start() < position:  # within the value that was just looked at
            continue
        value = _SIGNED.match(text, match.end())
        if value and _bounded(folded, match.start()):
            position = value.end()
            if _is_signature(value[0]):
                yield value.span()


def _scheme_spans(text: str, folded: str) -> Iterator[Span]:
    position = 0
    for match in _SCHEME.finditer(folded):
        if match.start() < position or not _bounded(folded, match.start()):
            continue
        value = _CREDENTIALS.match(text, match.end())
        if value is None:
            continue
        position = value.end()
        token = value[0].rstrip(".")
        in_header = _HEADER.search(folded[max(0, match.start() - 40) : match.start()]) is not None
        if token and (in_header or _is_credential(token, basic=folded.startswith("basic", match.start()))):
            yield value.start(), value.start() + len(token)


def _is_credential(token: str, *, basic: bool) -> bool:
    """Whether what follows a scheme is no word of a sentence ("Basic research", "a bearer of JSON-RPC")."""
    if len(token) < 6:
        return False
    if any(character.isdigit() or character in "+=" for character in token):
        return True
    if _holds_colon(token) if basic else not token.isalpha():
        return True
    return len(token) >= 20 or (len(token) >= 16 and _is_mixed(token[1:]))


def _holds_colon(token: str) -> bool:
    """Whether this is the base64 of ``user:password`` (RFC 7617)."""
    try:
        return b":" in base64.b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return False


def _is_mixed(text: str) -> bool:
    return text != text.lower() and text != text.upper()


def _is_key(rest: str) -> bool:
    """Whether what follows ``sk-`` is a key, not words ("sk-learn-contrib")."""
    if any(character.isdigit() for character in rest) or _is_mixed(rest):
        return True
    return any(len(part) >= 16 for part in rest.replace("_", "-").split("-"))


def _is_signature(value: str) -> bool:
    return any(character.isdigit() for character in value) and not _LITERAL.fullmatch(value)


def _named_spans(text: str, folded: str) -> Iterator[Span]:
    """The values after secrets' names, in order."""
    rules = [rule.pattern.finditer(folded) for rule in _RULES if rule.needle in folded]
    position = 0
    for match in heapq.merge(*rules, key=_start):
        if match.start() >= position and _bounded(folded, match.start()) and (span := _value_span(text, match)):
            yield span
            position = span[1]


def _start(match: re.Match[str]) -> int:
    return match.start()


def _value_span(text: str, match: re.Match[str]) -> Span | None:
    start = match.end()
    sep_end = match.end("sep") if "sep" in match.re.groupindex else None
    opening = _OPENING.match(text, start)
    if opening and len(opening[1]) <= _MOST_ESCAPES:
        first = opening.end()
        end = _closing(text, opening[2], len(opening[1]), first, doubled=sep_end is None)
        if end < len(text) or opening[2] == '"':
            return None if first == end == len(text) else (first, end)
        start = first  # an apostrophe: "the secret: 'tis no quote"
    elif "\n" in text[sep_end:start] or "\\" in text[sep_end:start]:
        return None  # the name ends its line: what follows is no value of it
    return _bare_span(text, start, match)


def _bare_span(text: str, start: int, match: re.Match[str]) -> Span | None:
    bare = _BARE.match(text, start)
    quoted_name = match.groupdict().get("close") is not None
    value = _secret_part(bare[0], quoted_name=quoted_name) if bare else None
    if value:
        return start, start + len(value)
    scheme = _SCHEME_WORD.match(text, start) if match[0].startswith("authorization") else None
    if scheme and (bare := _BARE.match(text, scheme.end())) and (value := _secret_part(bare[0], quoted_name=False)):
        return scheme.end(), scheme.end() + len(value)
    return None


def _closing(text: str, quote: str, escapes: int, start: int, *, doubled: bool) -> int:
    """Where the string ends whose opening quote has ``escapes`` backslashes; the text's end where nothing ends it.

    At a depth where quotes carry ``escapes`` backslashes, each backslash of the value itself is written with
    ``2 * (escapes + 1)`` of them: a run longer by a multiple of that ends in a true quote, any other in an escaped one;
    a shorter run belongs to a string further out. ``doubled``: SQL writes a quote within a string twice.
    """
    position = start
    while (position := text.find(quote, position)) >= 0:
        run = position
        while run > start and text[run - 1] == "\\":
            run -= 1
        length = position - run
        if length < escapes:
            return run
        if (length - escapes) % (2 * (escapes + 1)) == 0:
            if not (doubled and text.startswith("\\" * escapes + quote, position + 1)):
                return position - escapes
            position += escapes + 1
        position += 1
    return len(text)


def _secret_part(value: str, *, quoted_name: bool) -> str | None:
    """The part of an unquoted value that is a secret, None where it reads like a word, a number or a structure."""
    if value.startswith(REDACTED):
        rest = value[len(REDACTED) :].rstrip(_TRAILING)
        return REDACTED + rest if rest else None
    stripped = value.rstrip(_TRAILING)
    if quoted_name and (value[0] in "[{" or _LITERAL.fullmatch(stripped)):
        return None
    strong = len(stripped) >= _MIN_LENGTH and (not stripped.isalpha() or _is_mixed(stripped))
    long_with_digit = len(value) >= _MIN_LENGTH and any(character.isdigit() for character in stripped)
    return stripped if strong or long_with_digit else None
