import pytest
from tests.parts.s3_server import run_s3_server


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_folder_is_made_once(run, here, form):
    url = form.format(here / "bucket")
    assert run("logs", "init", "--store", url) == (0, f"{url} created\n", "")
    assert (here / "bucket").is_dir()
    assert run("logs", "init", "--store", url) == (0, f"{url} was there already\n", "")


def test_the_folder_that_the_environment_names(run, here, monkeypatch):
    monkeypatch.setenv("LOG_DIR", "records")
    assert run("logs", "init").out == f"{here / 'records'} created\n"


def test_without_a_store_the_variables_are_named(run):
    said = run("logs", "init")
    assert (said.status, said.out) == (2, "")
    assert "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and LOG_BUCKET, or LOG_STORE, or LOG_DIR" in said.err


def test_half_of_a_key_is_told_and_what_concerns_only_serving_is_not(run, monkeypatch):
    monkeypatch.delenv("PROXY_KEY")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    said = run("logs", "init")
    assert said.status == 2
    assert "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not" in said.err
    assert "PROXY_KEY" not in said.err


def test_a_bucket_still_named_by_its_placeholder_is_refused(run, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("LOG_BUCKET", "logs-<your-namespace>")
    said = run("logs", "init")
    assert (said.status, said.out) == (2, "")
    assert "LOG_BUCKET still holds a placeholder (<)" in said.err
    assert "put your bucket's name there" in said.err


def test_a_bucket_by_the_proxys_own_variables_and_its_rights(run, monkeypatch, tmp_path):
    with run_s3_server(tmp_path) as server:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        monkeypatch.setenv("AWS_S3_ENDPOINT_URL", server.endpoint)
        monkeypatch.setenv("LOG_BUCKET", "logs-cacao")
        before = run("check", "--live")
        assert before.status == 2
        assert "create it (`open-llm-proxy logs init`)" in before.out
        assert run("logs", "init").out == "s3://logs-cacao created\n"
        assert run("logs", "init") == (0, "s3://logs-cacao was there already\n", "")
        assert "s3://logs-cacao takes objects\nstore: lists them\nstore: deletes them\n" in run("check", "--live").out
        assert run("logs", "init", "--store", "s3://logs-other/prefix").out == "s3://logs-other/prefix created\n"
