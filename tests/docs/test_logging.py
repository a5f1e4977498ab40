"""LOGGING.md against the code: fields and their types, error texts, variables, names that are scrubbed, /health, jq."""

import json
import re
import subprocess
import types
import typing
import uuid
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from tests.docs.page import BLOCKS, CALLS, ORIGIN, PAGE, SESSION, converse
from tests.parts.model_upstream import ModelUpstream
from tests.parts.proxy import Proxy, provider, run_proxy
from tests.parts.requirement import require

from open_llm_proxy.config.environment import BY_NAME
from open_llm_proxy.records.response import UPSTREAM_HEADERS, WORKER_ENDED
from open_llm_proxy.records.secret_names import NAMES
from open_llm_proxy.records.types import RequestRecord, ResponseRecord, SystemPromptRecord, ToolsRecord

TEXT = PAGE.read_text()
RECORDS = {
    "request": RequestRecord,
    "response": ResponseRecord,
    "system_prompt": SystemPromptRecord,
    "tools": ToolsRecord,
}
JSON_TYPES = {str: "string", int: "number", bool: "boolean", list: "list", dict: "object"}


def section(heading: str) -> str:
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found[1]


def rows(heading: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def json_type(annotation: Any) -> str:
    """The one JSON type of a field beside null."""
    kinds = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    found = set()
    for kind in kinds:
        if kind in (types.NoneType, msgspec.UnsetType):
            continue
        bare = typing.get_origin(kind) or kind
        found.add(JSON_TYPES[str if bare is typing.Literal else bare])
    assert len(found) == 1, annotation
    return found.pop()


@pytest.mark.parametrize("kind", RECORDS)
def test_every_field_has_its_row_with_its_type_in_the_order_of_the_line(kind: str):
    hints = typing.get_type_hints(RECORDS[kind])
    documented = [(name, cells[1]) for cells in rows(kind) for name in re.findall(r"`(\w+)`", cells[0])]
    assert {name for name, _ in documented} == set(hints)
    assert len(documented) == len(hints)
    assert [name for name, _ in documented if name not in {"type", "timestamp", "origin"}] == [
        name for name in RECORDS[kind].__struct_fields__ if name not in {"type", "timestamp", "origin"}
    ]
    for name, told in documented:
        if told:
            assert told == json_type(hints[name]), name


def test_the_real_records_have_these_fields_and_types(folder: Proxy):
    kinds = {"string": str, "number": int, "boolean": bool, "list": list, "object": dict}
    for record in folder.records():
        table = {name: cells for cells in rows(record["type"]) for name in re.findall(r"`(\w+)`", cells[0])}
        assert set(record) <= set(table)
        always = {name for name, cells in table.items() if not cells[2].startswith(("*full*", "*error*"))}
        assert always <= set(record)
        for name, value in record.items():
            told = table[name][1]
            assert value is None or not told or type(value) is kinds[told], (name, value)


def test_error_texts_and_headers_are_those_of_the_code(folder: Proxy):
    texts = [cells[0].strip("`") for cells in rows("error")]
    assert WORKER_ENDED in texts
    assert any(text.startswith("Provider returned <status>: ") for text in texts)
    (row,) = [cells for cells in rows("response") if cells[0] == "`upstream_headers`"]
    assert set(re.findall(r"`([\w-]+)`", row[2])) == UPSTREAM_HEADERS


def test_variables_and_their_defaults_are_those_of_the_code():
    for cells in rows("How much is kept"):
        assert cells[2].startswith(BY_NAME[cells[0].strip("`")].default)
    named = set(re.findall(r"`((?:LOG|AWS)_[A-Z0-9_]+|FLUSH_INTERVAL|SPOOL_DIR)\b", TEXT))
    assert named <= set(BY_NAME)


def test_the_names_whose_values_go_are_those_of_the_code():
    row = next(cells for cells in rows("What is kept out") if cells[0].startswith("the text value"))
    listed = row[0].partition("one of")[2].partition(", in any case")[0]
    assert tuple(re.findall(r"`(\w+)`", listed)) == tuple(name for name in NAMES if not name.startswith("x_"))


def test_health_has_what_the_page_lists(upstream: ModelUpstream, tmp_path: Path):
    with run_proxy(tmp_path, provider(upstream.endpoint)) as proxy:
        logging = proxy.health()["logging"]
    names = {
        *(logging.keys() - {"records", "store"}),
        *(f"{part}.{name}" for part in ("records", "store") for name in logging[part]),
    }
    assert set(re.findall(r"`([\w.]+)`", " ".join(cells[0] for cells in rows("Health")))) == names


def test_links_within_the_page_and_to_files_lead_somewhere():
    headings = {
        re.sub(r"[^\w -]", "", name).strip().lower().replace(" ", "-")
        for name in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        path, _, anchor = target.partition("#")
        assert anchor in headings if not path else (PAGE.parent / path).exists()


@pytest.fixture(scope="module")
def pod(upstream: ModelUpstream, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``kubectl logs`` shows of a proxy without a store: both streams."""
    place = tmp_path_factory.mktemp("pod")
    with run_proxy(place, provider(upstream.endpoint), env={"LOG_DIR": ""}) as proxy:
        converse(proxy, upstream)
        proxy.program.wait_until(lambda: proxy.program.stdout.count("\n") >= 2 * CALLS, "all lines")
        shown = place / "shown"
        shown.write_text(proxy.program.stderr + proxy.program.stdout + "open-llm-proxy: info: among them\n")
    return shown


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "sh"], ids=lambda block: block.text[-40:]
)
def test_jq_finds_lines_in_a_pods_log(pod: Path, block: Any):
    require("jq")
    command = re.sub(r"kubectl logs \S+(?: --since=1h)?", f"cat '{pod}'", block.text)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    if "grep" in block.text:
        assert [json.loads(line)["type"] for line in lines].count("request") == CALLS - 1
    elif "@tsv" in block.text:
        (line,) = lines
        assert line.split("\t")[1] == "error-429"
    else:
        assert json.loads(lines[0]) == [ORIGIN, "Where is Rome?"]
        assert len(lines) == CALLS


def test_what_the_page_says_of_the_first_files_is_so(folder: Proxy, tmp_path: Path):
    """Forty files whose session ids are UUIDs, then one with free text and the first error."""
    pair = [record for record in folder.records() if record["type"] in {"request", "response"}][:2]
    day = tmp_path / "2026-04-07"
    day.mkdir()
    for number in range(41):
        changed = {
            "session_id": str(uuid.uuid4()) if number < 40 else "free text",
            "error": None if number < 40 else "Provider returned 500: no",
        }
        lines = [
            json.dumps(record | {name: value for name, value in changed.items() if name in record}) for record in pair
        ]
        (day / f"02-{number:02}-00-39.jsonl").write_text("\n".join(lines) + "\n")
    files = f"'{day}/*.jsonl'"
    with pytest.raises(duckdb.Error, match="free text"):
        duckdb.sql(f"SELECT * FROM read_ndjson_auto({files})").fetchall()
    assert duckdb.sql(
        f"SELECT count(*), count(error), max(error) FROM read_ndjson_auto({files}, union_by_name = true)"
    ).fetchall() == [(82, 1, "Provider returned 500: no")]
    assert duckdb.sql(
        f"SELECT count(*) FROM read_ndjson_auto({files}, union_by_name = true) WHERE session_id = '{SESSION}'"
    ).fetchall() == [(0,)]
