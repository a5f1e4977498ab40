import json

import duckdb
import pytest
from tests.parts.s3_server import run_s3_server

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs import scrubbing
from open_llm_proxy.logs.scrubbing import Scrubbing, summarise
from open_llm_proxy.records.scrub import Scrubber

KEY = "known-client-key-1234"
DIRTY = json.dumps({"type": "request", "user_question": f"is it {KEY}?"})
CLEAN = '{ "type":"response",  "content":"é"}'
CHUNK = "2026-04-07/02-00-05-39.jsonl"


def scrub(place, environ=None, *, dry_run=False):
    return list(Scrubbing(str(place), environ or {}, Scrubber([KEY])).run(dry_run=dry_run))


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "logs"
    (root / "2026-04-07").mkdir(parents=True)
    (root / CHUNK).write_bytes(f"{CLEAN}\n{DIRTY}\r\n{CLEAN}\n".encode())
    (root / "2026-04-07" / "02-05-05-39.jsonl").write_bytes(f"{CLEAN}\n".encode())
    (root / "consolidated" / "daily").mkdir(parents=True)
    parquet = root / "consolidated" / "daily" / "2026-04-06.parquet"
    duckdb.execute(f"COPY (SELECT 'request' AS type, '{DIRTY}' AS entry) TO '{parquet}' (FORMAT parquet)")
    (root / "unreadable" / "2026-04-07").mkdir(parents=True)
    (root / "unreadable" / "2026-04-07" / "a.1.0.txt").write_text(f"no record\n{KEY}\n")
    (root / "notes.txt").write_text(KEY)
    (root / "picture.png").write_bytes(b"\x00" + KEY.encode())
    return root


def content(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_only_what_holds_a_secret_is_replaced(folder):
    before, untouched = content(folder), (folder / "2026-04-07" / "02-05-05-39.jsonl").stat()
    found = {file.key: file for file in scrub(folder) if file.records}
    after = content(folder)
    assert set(found) == {CHUNK, "consolidated/daily/2026-04-06.parquet", "unreadable/2026-04-07/a.1.0.txt"}
    assert {key for key in before if before[key] != after[key]} == set(found)
    assert set(before) == set(after)
    assert (folder / "2026-04-07" / "02-05-05-39.jsonl").stat() == untouched
    assert after[CHUNK] == before[CHUNK].replace(
        DIRTY.encode(), b'{"type":"request","user_question":"is it [REDACTED]?"}'
    )
    assert after["unreadable/2026-04-07/a.1.0.txt"] == b"no record\n[REDACTED]\n"


def test_the_report_names_files_records_and_places_and_no_secret(folder):
    files = scrub(folder, dry_run=True)
    told = [str(file) for file in files if file.records]
    assert told == [
        f"{CHUNK}: 1 record: user_question 1",
        "consolidated/daily/2026-04-06.parquet: 1 record: entry.user_question 1",
        "unreadable/2026-04-07/a.1.0.txt: 1 record: text 1",
    ]
    assert summarise(files, dry_run=True) == "3 texts would be redacted in 3 records of 3 of 4 files"
    assert summarise(files, dry_run=False) == "3 texts redacted in 3 records of 3 of 4 files"
    assert summarise(files[1:2], dry_run=False) == "nothing to redact in 1 file"


def test_a_long_report_is_cut(folder):
    many = {f"field{number}": KEY for number in range(20)}
    (folder / CHUNK).write_text(json.dumps(many) + "\n")
    (file,) = scrub(folder / CHUNK, dry_run=True)
    assert str(file).endswith(", 8 more places")


def test_a_dry_run_changes_nothing(folder):
    before = content(folder)
    scrub(folder, dry_run=True)
    assert content(folder) == before


def test_twice_is_once(folder):
    scrub(folder)
    assert not [file for file in scrub(folder) if file.records]


@pytest.mark.parametrize(
    "name", [CHUNK, "unreadable/2026-04-07/a.1.0.txt", "notes.txt", "consolidated/daily/2026-04-06.parquet"]
)
def test_one_file_alone(folder, name):
    before = content(folder)
    (file,) = scrub(folder / name)
    assert (file.key, file.records) == (name.rpartition("/")[2], 1)
    after = content(folder)
    assert {key for key in before if before[key] != after[key]} == {name}


def test_a_last_line_without_its_end_and_bytes_that_are_no_utf_8(folder):
    (folder / CHUNK).write_bytes(b"\xff\xfe " + KEY.encode() + b"\n\xff\n" + DIRTY.encode())
    (file,) = scrub(folder / CHUNK)
    assert file.records == 2
    assert (
        folder / CHUNK
    ).read_bytes() == b'\xff\xfe [REDACTED]\n\xff\n{"type":"request","user_question":"is it [REDACTED]?"}'


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_scrubbed(folder):
    broken = folder / "consolidated" / "daily" / "2026-04-06.parquet"
    broken.write_bytes(b"PAR1 is all there is of it")
    files = {file.key: file for file in scrub(folder)}
    assert files["consolidated/daily/2026-04-06.parquet"].problem
    assert files[CHUNK].records == 1
    assert KEY.encode() not in (folder / CHUNK).read_bytes()


@pytest.mark.parametrize("gone", [True, False])
def test_a_file_that_changes_meanwhile_is_left_alone(folder, monkeypatch, gone):
    def scrub_slowly(source, target, redaction):
        path = folder / CHUNK
        path.unlink() if gone else path.write_text("new\n")
        return original(source, target, redaction)

    original = scrubbing._scrub_lines
    monkeypatch.setattr(scrubbing, "_scrub_lines", scrub_slowly)
    (file,) = scrub(folder / CHUNK)
    assert "changed meanwhile" in file.problem
    assert not (folder / CHUNK).exists() if gone else (folder / CHUNK).read_text() == "new\n"


def test_a_file_that_is_gone_before_it_is_read(folder):
    run = Scrubbing(str(folder / CHUNK), {}, Scrubber([KEY]))
    (folder / CHUNK).unlink()
    assert [file.records for file in run.run()] == [0]


def test_a_place_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="There is nothing at"):
        scrub(tmp_path / "nowhere")


def test_a_bucket_a_prefix_and_one_object(folder, tmp_path):
    (tmp_path / "server").mkdir()
    with run_s3_server(tmp_path / "server") as server:
        bucket = server.bucket()
        for key, data in content(folder).items():
            bucket.client.put_object(Bucket=bucket.name, Key=f"pre/{key}", Body=data)
        url, environ = f"s3://{bucket.name}", bucket.environment()

        def held(key):
            return bucket.client.get_object(Bucket=bucket.name, Key=f"pre/{key}")["Body"].read()

        assert sum(file.records for file in scrub(url, environ, dry_run=True)) == 3
        (file,) = scrub(f"{url}/pre/{CHUNK}", environ)
        assert file.records == 1
        assert KEY.encode() not in held(CHUNK)
        assert KEY.encode() in held("unreadable/2026-04-07/a.1.0.txt")
        assert [file.key for file in scrub(f"{url}/pre/", environ) if file.records] == [
            "consolidated/daily/2026-04-06.parquet",
            "unreadable/2026-04-07/a.1.0.txt",
        ]
        assert not any(file.records for file in scrub(f"{url}/pre", environ))
        with pytest.raises(UserError, match="There is nothing at"):
            scrub(f"{url}/pre/nothing.jsonl", environ)
