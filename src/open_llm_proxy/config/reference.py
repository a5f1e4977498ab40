"""What is generated from the structs and rows: the JSON Schema, the tables of ``docs/config.md``, ``.env.example``.

``python -m open_llm_proxy.config.reference`` in a checkout writes all three; a test fails when one is out of date.
"""

import inspect as python_inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect

from open_llm_proxy.config.environment import VARIABLES, Variable
from open_llm_proxy.config.layers import CONFIG_TYPE
from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.wording import bare, described, description

SCHEMA_URL: Final = (
    "https://raw.githubusercontent.com/boettiger-lab/open-llm-proxy/main/src/open_llm_proxy/config/config.schema.json"
)
SCHEMA_PATH: Final = Path("src/open_llm_proxy/config/config.schema.json")
PAGE_PATH: Final = Path("docs/config.md")
EXAMPLE_PATH: Final = Path(".env.example")
PROVIDER_KEYS: Final = ("NRP_API_KEY", "OPENROUTER_KEY", "ANTHROPIC_API_KEY", "NIMBUS_API_KEY")
READERS: Final = {
    "serve": "Read by `open-llm-proxy serve`",
    "logs": "Read by `open-llm-proxy logs`: the readers' own store; else the variables above, else `./logs`",
    "mirror": "Read by the mirror job",
}
_REMARKS: Final = {"^(_|\\$|//)": {"description": "A remark."}}
_GENERATED: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def documents(root: Path) -> dict[Path, str]:
    """What each generated file in the checkout ``root`` should hold, by its path there."""
    page = (root / PAGE_PATH).read_text("utf-8")
    return {SCHEMA_PATH: schema_text(), EXAMPLE_PATH: example_text(), PAGE_PATH: page_text(page)}


def schema_text() -> str:
    """The JSON Schema of ``config.json``, for editors."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_URL,
        "title": "open-llm-proxy configuration",
        **_with_remarks(msgspec.json.schema(Config)),
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def page_text(page: str) -> str:
    """``page`` with what stands between its markers made anew."""
    return _GENERATED.sub(lambda match: f"{match[1]}{_TABLES[match[2]]()}\n{match[3]}", page)


def example_text() -> str:
    """An ``.env`` file with every variable, each behind a ``#``."""
    lines = [
        "# Environment of open-llm-proxy. Copy to .env, which `open-llm-proxy serve --demo` reads (or name a file with",
        "# --env-file), and take the # off what you set. An empty value counts as unset; the shell's wins.",
        "# A key may also come from a file: PROXY_KEY_FILE=/run/secrets/proxy-key",
        "",
        "# Providers' keys: the variables that the config file names.",
        *(f"#{name}=" for name in PROVIDER_KEYS),
    ]
    for reader, heading in READERS.items():
        lines += ["", f"# {heading.replace('`', '')}."]
        lines += [line for row in VARIABLES if row.reader == reader for line in _example(row)]
    return "\n".join(lines) + "\n"


def _example(row: Variable) -> list[str]:
    plain = row.default and not re.search(r"[<, ]", row.default)
    return ["", f"# {row.help.replace('`', '')}", f"#{row.name}={row.default if plain else ''}"]


def _with_remarks(schema: Any) -> Any:
    """``schema`` with remarks allowed in every object of ours and docstrings without their indentation."""
    if isinstance(schema, list):
        return [_with_remarks(item) for item in schema]  # pyright: ignore[reportUnknownVariableType] - any JSON
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():  # pyright: ignore[reportUnknownVariableType] - any JSON
        if key == "default":
            made[key] = value
        elif key == "description" and isinstance(value, str):
            made[key] = python_inspect.cleandoc(value)
        else:
            made[key] = _with_remarks(value)
    if "additionalProperties" in made:
        made["patternProperties"] = _REMARKS
    return made


def _config_tables() -> str:
    top = bare(CONFIG_TYPE)
    assert isinstance(top, inspect.StructType)
    return "\n\n".join(_table(title, struct) for title, struct in _sections("Top level", "", top))


def _sections(title: str, path: str, struct: inspect.StructType) -> Iterator[tuple[str, inspect.StructType]]:
    yield title, struct
    for field in struct.fields:
        inner, place = bare(field.type), f"{path}{field.encode_name}"
        if isinstance(inner, inspect.DictType):
            inner, place = bare(inner.value_type), f"{place}.<name>"
        if isinstance(inner, inspect.StructType):
            yield from _sections(f"`{place}`", f"{place}.", inner)


def _table(title: str, struct: inspect.StructType) -> str:
    rows = [
        f"| `{field.encode_name}` | {_takes(field)} | {_default(field)} | {_meaning(field)} |"
        for field in struct.fields
    ]
    return "\n".join([f"### {title}", "", "| key | takes | default | meaning |", "|---|---|---|---|", *rows])


def _takes(field: inspect.Field) -> str:
    return described(field.type).replace("|", "\\|")


def _meaning(field: inspect.Field) -> str:
    inner = bare(field.type)
    if isinstance(inner, inspect.StructType):
        return f"{python_inspect.cleandoc(inner.cls.__doc__ or '')} See below."
    return description(field.type)


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    if isinstance(bare(field.type), inspect.StructType) or field.name == "default_provider":
        return ""
    factory: Any = field.default_factory
    value = field.default if factory is msgspec.NODEFAULT else factory()
    return f"`{msgspec.json.encode(value).decode()}`"


def _environment_tables() -> str:
    return "\n\n".join(
        "\n".join(
            [
                f"{heading}:",
                "",
                "| variable | takes | default | meaning |",
                "|---|---|---|---|",
                *(_row(row) for row in VARIABLES if row.reader == reader),
            ]
        )
        for reader, heading in READERS.items()
    )


def _row(row: Variable) -> str:
    names = f"`{row.name}`, `{row.name}_FILE`" if row.secret else f"`{row.name}`"
    return f"| {names} | {_accepted(row)} | {f'`{row.default}`' if row.default else ''} | {row.help} |"


def _accepted(row: Variable) -> str:
    """What the parser says it takes: it is asked with a text that none takes."""
    if row.secret:
        return "keys" if "KEYS" in row.name else "text" if "SALT" in row.name else "a key"
    try:
        row.parse("\x00")
    except ValueError as error:
        return str(error).replace("a text without control characters, in UTF-8", "text")
    raise AssertionError(row.name)


_TABLES: Final[dict[str, Callable[[], str]]] = {"config": _config_tables, "environment": _environment_tables}


def main() -> None:
    """Write the generated files of the checkout that is the current folder."""
    for path, text in documents(Path()).items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
