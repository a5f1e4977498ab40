import pytest
from tests.parts.s3_server import run_s3_server


@pytest.fixture(autouse=True)
def no_second_store(monkeypatch):
    for name in ("RUSTFS_KEY", "RUSTFS_SECRET", "RUSTFS_ENDPOINT", "RUSTFS_BUCKET"):
        monkeypatch.delenv(name, raising=False)


def test_a_folder_to_another(run, reading, here):
    said = run("logs", "sync", str(reading), "copy")
    assert (said.status, said.out) == (0, f"{reading} -> {here / 'copy'}: 1 copied (0.0 MB), 0 unchanged\n")
    assert "0 copied (0.0 MB), 1 unchanged" in run("logs", "sync", str(reading), "copy").out


def test_a_dry_run_names_the_files(run, reading, here):
    said = run("logs", "sync", str(reading), "copy", "--dry-run", "--prune")
    assert said.out.splitlines()[0].startswith("would copy 20")
    assert not (here / "copy").exists()


def test_the_mirror_job_ends_well_without_a_second_store(run, reading):
    said = run("logs", "sync")
    assert (said.status, said.out) == (
        0,
        "no second store is named (RUSTFS_ENDPOINT, RUSTFS_KEY, RUSTFS_SECRET, RUSTFS_BUCKET): nothing to do\n",
    )


@pytest.fixture
def bucket(tmp_path):
    folder = tmp_path / "s3"
    folder.mkdir()
    with run_s3_server(folder) as server:
        yield server.bucket()


def test_the_mirror_job_copies_the_store_to_the_second(run, reading, monkeypatch, bucket):
    for name, value in {"KEY": "any", "SECRET": "any", "ENDPOINT": bucket.endpoint, "BUCKET": bucket.name}.items():
        monkeypatch.setenv(f"RUSTFS_{name}", value)
    assert run("logs", "sync").status == 0
    assert bucket.list_keys() == [path.relative_to(reading).as_posix() for path in reading.rglob("*.jsonl")]


def test_a_store_that_cannot_be_reached_says_which_variable(run, reading, monkeypatch):
    for name, value in {"KEY": "any", "SECRET": "any", "ENDPOINT": "http://127.0.0.1:1", "BUCKET": "b"}.items():
        monkeypatch.setenv(f"RUSTFS_{name}", value)
    said = run("logs", "sync")
    assert said.status == 2
    assert "RUSTFS_ENDPOINT" in said.err


def test_a_folder_that_is_not_there(run, here):
    assert run("logs", "sync", "none", "copy").status == 2
