"""A plan's file, in TOML: read, and checked as a whole before anything is asked."""

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, get_args

from open_llm_proxy.agent.gold import Gold, Kind, Which, compile_regex
from open_llm_proxy.agent.mcp import Target
from open_llm_proxy.agent.plan import JUDGE_PROMPT, NAME, ORIGIN, Choice, Judge, Plan, Prompt, Question
from open_llm_proxy.agent.plan_table import PlanError, Table, is_number, shown
from open_llm_proxy.agent.settings import Settings
from open_llm_proxy.agent.system_prompt import load_system_prompt
from open_llm_proxy.errors import UserError

_KEYS: Final = (
    *("name", "origin", "proxy_url", "mcp_urls", "mcp_commands", "repeats", "parallel", "questions", "models"),
    *("prompts", "judge", "temperature", "seed", "thinking", "stream", "max_turns", "timeout_s", "llm_timeout_s"),
    *("tool_timeout_s", "tool_result_max"),
)
_MODEL_KEYS: Final = ("id", "name", "temperature", "seed", "thinking")
_PROMPT_KEYS: Final = ("name", "text", "file", "mcp_prompt")
_JUDGE_KEYS: Final = ("model", "prompt", "file", "temperature")
_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_GOLD_KEYS: Final = (*_KINDS, "tolerance", "relative", "which", "ignore_case")
_FITS: Final = {
    "tolerance": ("numeric", "json"),
    "relative": ("numeric", "json"),
    "which": ("numeric",),
    "ignore_case": ("exact", "regex"),
}
_NOT_IN_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
NONE: Final = "none"
UNNAMED: Final = "unnamed"


def load_plan(path: Path) -> Plan:
    """The plan in a file; paths in it are relative to its folder.

    Raises:
        PlanError: It has mistakes; the error names all of them.
        UserError: It cannot be read, or is no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        members = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is no TOML: {error}", "docs/agent.md has a complete plan") from error
    problems: list[str] = []
    plan = read_plan(members, path.parent, _NOT_IN_NAME.sub("-", path.stem).strip("-")[:40] or "plan", problems)
    if problems:
        raise PlanError(problems, str(path))
    return plan


def read_plan(members: Any, folder: Path, default_name: str, problems: list[str]) -> Plan:
    """A plan from TOML's values; what is wrong goes to ``problems``."""
    table = Table(members, "", problems, _KEYS, ("questions", "models"))
    base = _read_settings(table)
    plan = Plan(
        name=_checked_name(table, "name", table.text("name", default_name)),
        questions=tuple(_read_question(table, index, one) for index, one in enumerate(table.items("questions"))),
        choices=_read_models(table, base),
        prompts=tuple(_read_prompt(table, index, one, folder) for index, one in enumerate(table.items("prompts")))
        or (Prompt(NONE),),
        repeats=table.whole("repeats", 1, 1),
        parallel=table.whole("parallel", 4, 1),
        origin=_read_url(table, "origin", ORIGIN) or ORIGIN,
        targets=_read_targets(table),
        judge=_read_judge(table, folder),
        proxy_url=_read_url(table, "proxy_url", None),
        base=base,
    )
    _check_doubles(table, "questions", (question.name for question in plan.questions))
    _check_doubles(table, "models", (choice.name for choice in plan.choices))
    _check_doubles(table, "prompts", (prompt.name for prompt in plan.prompts))
    if plan.judge is None and "judge" not in table:
        for index, question in enumerate(plan.questions):
            if question.gold is not None and question.gold.kind == "judge":
                table.wrong("questions", "a gold answer that a model judges wants a table [judge] with a model", index)
    return plan


def _read_settings(table: Table) -> Settings:
    usual = Settings()
    return Settings(
        temperature=_read_temperature(table, usual.temperature),
        seed=_read_seed(table, None),
        enable_thinking=_read_thinking(table, None),
        stream=table.flag("stream", default=False),
        max_turns=table.whole("max_turns", usual.max_turns, 1),
        timeout_s=table.number("timeout_s", None, wanted="seconds"),
        llm_timeout_s=table.number("llm_timeout_s", usual.llm_timeout_s, wanted="seconds") or usual.llm_timeout_s,
        tool_timeout_s=table.number("tool_timeout_s", usual.tool_timeout_s, wanted="seconds") or usual.tool_timeout_s,
        tool_result_max=table.whole("tool_result_max", usual.tool_result_max),
    )


def _read_temperature(table: Table, default: float | None) -> float | None:
    return None if table.raw("temperature") == NONE else table.number("temperature", default)


def _read_seed(table: Table, default: int | None) -> int | None:
    return table.whole("seed", 0) if "seed" in table else default


def _read_thinking(table: Table, default: bool | None) -> bool | None:
    return table.flag("thinking", default=False) if "thinking" in table else default


def _read_url(table: Table, key: str, default: str | None) -> str | None:
    url = table.text(key, default or "")
    scheme, _, rest = url.partition("://")
    if url and (scheme not in {"http", "https"} or not rest or not url.isascii() or len(url.split()) > 1):
        table.wrong(key, f"{shown(url)} is not what is wanted: an http:// or https:// URL")
        return default
    return url or None


def _read_targets(table: Table) -> tuple[Target, ...]:
    urls, commands = table.texts("mcp_urls"), table.texts("mcp_commands")
    for url in urls:
        if not url.startswith(("http://", "https://")):
            table.wrong("mcp_urls", f"{shown(url)} is not what is wanted: an http:// or https:// URL")
    return (*(Target(url=url) for url in urls), *(Target(command=command) for command in commands))


def _read_models(table: Table, base: Settings) -> tuple[Choice, ...]:
    return tuple(_read_model(table, index, one, base) for index, one in enumerate(table.items("models")))


def _read_model(above: Table, index: int, value: Any, base: Settings) -> Choice:
    members = {"id": value} if isinstance(value, str) else value
    table = Table(members, above.at("models", index), above.problems, _MODEL_KEYS, ("id",))
    model = table.text("id")
    name = table.text("name", _NOT_IN_NAME.sub("-", model).strip("-_")[:40] or UNNAMED)
    return Choice(
        name=_checked_name(table, "name", name),
        model=model,
        temperature=_read_temperature(table, base.temperature),
        seed=_read_seed(table, base.seed),
        enable_thinking=_read_thinking(table, base.enable_thinking),
    )


def _read_prompt(above: Table, index: int, value: Any, folder: Path) -> Prompt:
    table = Table(value, above.at("prompts", index), above.problems, _PROMPT_KEYS, ("name",))
    name = _checked_name(table, "name", table.text("name", UNNAMED))
    return Prompt(name, _read_text(table, "text", "", folder), table.text("mcp_prompt"))


def _read_text(table: Table, key: str, default: str, folder: Path) -> str:
    """A text that stands in the plan, or in a file or at a URL that ``file`` names."""
    if "file" not in table:
        return table.text(key, default)
    if key in table:
        table.wrong("file", f"there is {key}, too; one of them is wanted")
    place = table.text("file")
    if not place:
        return default
    path = place if "://" in place else str(folder / Path(place).expanduser())
    try:
        return load_system_prompt(path)
    except UserError as error:
        table.wrong("file", f"{shown(place)} cannot be read ({str(error).partition(': ')[2]})")
        return default


def _read_judge(above: Table, folder: Path) -> Judge | None:
    table = above.table("judge", _JUDGE_KEYS, ("model",))
    if table is None or not table.is_table:
        return None
    prompt = _read_text(table, "prompt", JUDGE_PROMPT, folder)
    return Judge(table.text("model"), prompt, _read_temperature(table, 0))


def _read_question(above: Table, index: int, value: Any) -> Question:
    table = Table(value, above.at("questions", index), above.problems, ("name", "ask", "gold"), ("name", "ask"))
    name = _checked_name(table, "name", table.text("name", UNNAMED))
    return Question(name, table.texts("ask"), _read_gold(table))


def _read_gold(above: Table) -> Gold | None:
    table = above.table("gold", _GOLD_KEYS)
    if table is None or not table.is_table:
        return None
    kinds: list[Kind] = [kind for kind in _KINDS if kind in table]
    if len(kinds) != 1:
        found = f"there are {' and '.join(kinds)}" if kinds else "there is none"
        above.wrong("gold", f"one kind is wanted of {', '.join(_KINDS)}; {found}")
        return None
    kind = kinds[0]
    for key, fitting in _FITS.items():
        if key in table and kind not in fitting:
            table.wrong(key, f"a gold answer of the kind {kind} takes none")
    gold = Gold(
        kind,
        _read_wanted(table, kind),
        tolerance=table.number("tolerance", 0.0) or 0.0,
        relative=table.number("relative", 0.0) or 0.0,
        which=table.choice("which", "any", get_args(Which)),
        ignore_case=table.flag("ignore_case", default=False),
    )
    return gold if gold.wanted is not None else None


def _read_wanted(table: Table, kind: Kind) -> Any:
    """What a right answer is, in the form that its kind has; None: it has a mistake."""
    value = table.raw(kind)
    if kind == "exact":
        return table.texts("exact") or None
    if kind == "json":
        return _read_json(table, value)
    if kind == "numeric":
        if is_number(value):
            return value
        table.wrong("numeric", f"{shown(value)} is not what is wanted: a number")
        return None
    text = table.text(kind) or None
    if kind == "regex" and text:
        try:
            compile_regex(text)
        except re.error as error:
            table.wrong("regex", f"{shown(text)} is no regular expression: {error}")
            return None
    return text


def _read_json(table: Table, value: Any) -> Any:
    """A table or list of TOML's, or a text with JSON, which can say null, too."""
    if isinstance(value, str):
        try:
            read = json.loads(value)
        except ValueError as error:
            table.wrong("json", f"{shown(value)} is no JSON: {error}")
            return None
        if read is None:
            table.wrong("json", "null alone is no answer")
        return read
    try:
        json.dumps(value)
    except TypeError:
        table.wrong("json", "dates and times are no JSON; write them as texts")
        return None
    return value


def _checked_name(table: Table, key: str, name: str) -> str:
    if NAME.fullmatch(name):
        return name
    table.wrong(key, f"{shown(name)} is not what is wanted: letters, digits, - and _, 40 at most")
    return UNNAMED


def _check_doubles(table: Table, key: str, names: Iterable[str]) -> None:
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        first = seen.setdefault(name.casefold(), index)  # some file systems do not tell case apart
        if first != index and name != UNNAMED:
            table.wrong(key, f"the name {name} is that of {table.at(key, first)}, too", index)
