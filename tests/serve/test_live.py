import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import obstore
import pytest
from tests.parts.rgw import run_rgw

from open_llm_proxy.config.schema import Config, Provider
from open_llm_proxy.config.snapshot import Snapshot, StoreSettings
from open_llm_proxy.serve import live
from open_llm_proxy.serve.live import ask_providers, check_live, try_store


class Models(BaseHTTPRequestHandler):
    def do_GET(self):
        models = {"data": [{"id": "a"}, {"id": "b"}, {"id": "another's"}]}
        known = self.headers["authorization"] == "Bearer good"
        body = json.dumps(models if known else {"error": "who are you?"}).encode()
        self.send_response(200 if known else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Models)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    server.shutdown()
    server.server_close()
    thread.join()


def snapshot_of(providers, keys=None, **store):
    return Snapshot(
        config=Config(providers=providers), config_sha256="", provider_keys=keys or {}, store=StoreSettings(**store)
    )


def test_what_each_provider_answers(endpoint):
    dead = Provider(endpoint="http://127.0.0.1:1/v1/chat/completions")
    providers = {
        "good": Provider(endpoint=endpoint, api_key_env="GOOD", model_prefixes=("a", "b")),
        "wrong": Provider(endpoint=endpoint, api_key_env="WRONG", models=("another's",)),
        "missing": Provider(endpoint=endpoint, api_key_env="MISSING"),
        "dead": dead,
    }
    findings = asyncio.run(ask_providers(snapshot_of(providers, {"good": "good", "wrong": "bad"})))
    good, wrong, missing, unreachable = findings
    assert good == ("good: answers; 2 models of its list go there", True)
    assert wrong == ("wrong: the model list answered 401", False)
    assert missing == ("missing: not asked, MISSING is not set", True)
    assert unreachable.text.startswith("dead: ")
    assert not unreachable.good


def test_no_store_is_fine_one_that_is_refused_is_not():
    assert [finding.good for finding in try_store(StoreSettings())] == [True]
    (refused,) = try_store(StoreSettings(refused="LOG_BUCKET still holds a placeholder"))
    assert refused == ("store: LOG_BUCKET still holds a placeholder", False)


def test_a_folder_takes_lists_and_deletes(tmp_path):
    findings = list(try_store(StoreSettings(folder=str(tmp_path))))
    assert [finding.good for finding in findings] == [True, True, True]
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_takes_nothing(tmp_path):
    (tmp_path / "file").touch()
    (finding,) = try_store(StoreSettings(folder=str(tmp_path / "file" / "below")))
    assert not finding.good


@pytest.mark.parametrize(
    ("missing", "said"),
    [("put", "does not take objects"), ("list_with_delimiter", "does not list them"), ("delete", "does not delete")],
)
def test_the_right_that_is_missing_is_named(tmp_path, monkeypatch, missing, said):
    def refuse(*_, **__):
        raise PermissionError("AccessDenied")

    monkeypatch.setattr(live.obstore, missing, refuse)
    findings = list(try_store(StoreSettings(folder=str(tmp_path))))
    bad = [str(finding) for finding in findings if not finding.good]
    assert len(bad) == 1
    assert said in bad[0]


def test_an_object_that_is_not_in_the_list(tmp_path, monkeypatch):
    monkeypatch.setattr(obstore, "list_with_delimiter", lambda _: {"objects": []})
    findings = list(try_store(StoreSettings(folder=str(tmp_path))))
    assert [finding.good for finding in findings] == [True, False, True]


def test_all_of_it(endpoint, tmp_path):
    providers = {"open": Provider(endpoint=endpoint, api_key_env="K", models=("a",))}
    findings = check_live(snapshot_of(providers, {"open": "good"}, folder=str(tmp_path)))
    assert [finding.good for finding in findings] == [True, True, True, True]


@pytest.mark.slow
def test_rights_at_a_store_that_knows_them(tmp_path):
    with run_rgw(tmp_path) as rgw:
        bucket = rgw.bucket()
        keys = bucket.environment()
        there = {
            "url": f"s3://{bucket.name}/prefix",
            "s3_endpoint": keys["AWS_S3_ENDPOINT_URL"],
            "access_key_id": keys["AWS_ACCESS_KEY_ID"],
            "secret_access_key": keys["AWS_SECRET_ACCESS_KEY"],
        }
        assert [finding.good for finding in try_store(StoreSettings(**there))] == [True, True, True]
        for right, said in (
            ("PutObject", "does not take objects"),
            ("ListBucket", "does not list them"),
            ("DeleteObject", "does not delete"),
        ):
            resources = [f"arn:aws:s3:::{bucket.name}", f"arn:aws:s3:::{bucket.name}/*"]
            denied = {"Effect": "Deny", "Principal": {"AWS": ["*"]}, "Action": [f"s3:{right}"], "Resource": resources}
            policy = {"Version": "2012-10-17", "Statement": [denied]}
            bucket.client.put_bucket_policy(Bucket=bucket.name, Policy=json.dumps(policy))
            bad = [finding.text for finding in try_store(StoreSettings(**there)) if not finding.good]
            assert len(bad) == 1, right
            assert said in bad[0]
            assert "AccessDenied" in bad[0]
            bucket.client.delete_bucket_policy(Bucket=bucket.name)
        (wrong,) = try_store(StoreSettings(**{**there, "secret_access_key": "no"}))
        assert "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (SignatureDoesNotMatch" in wrong.text
        (missing,) = try_store(StoreSettings(**{**there, "url": "s3://logs-nowhere"}))
        assert "`open-llm-proxy logs init`" in missing.text
