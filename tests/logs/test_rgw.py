"""Condensing, verifying and mirroring on what in-cluster S3 often is: Ceph RGW, which checks credentials."""

from datetime import UTC, datetime

import pytest
from tests.logs.condense import corpus
from tests.parts.rgw import run_rgw

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.condense.plan import Selection
from open_llm_proxy.logs.condense.run import condense
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.mirror import open_from, open_one, open_to
from open_llm_proxy.logs.query import ask, open_views
from open_llm_proxy.logs.sync import sync
from open_llm_proxy.logs.verify.run import verify
from open_llm_proxy.logs.window import ALL
from open_llm_proxy.records.scrub import Scrubber

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rgw(tmp_path_factory):
    with run_rgw(tmp_path_factory.mktemp("rgw")) as running:
        yield running


def month_of(record):
    return record["timestamp"][:7]


def test_a_month_of_a_bucket(rgw, tmp_path):
    door = rgw.bucket()
    source = open_one(None, f"s3://{door.name}/logs", door.environment())
    records = []
    for number, day in enumerate(("2026-10-30", "2026-10-31")):
        for second in (5, 86_399):
            name = f"{number}-{second}"
            records += [
                corpus.request(name, corpus.stamp(day, second)),
                corpus.response(name, corpus.stamp(day, second + 0.5)),
            ]
    corpus.put(source, records)
    report = condense(source, Selection("2026-11-01"), temporary=tmp_path)
    assert (report.failed, [one.period for one in report.done]) == ([], ["2026-10-30", "2026-10-31", "2026-10"])
    corpus.check(source, records, tmp_path, month_of=month_of)
    assert verify(source, ALL, Scrubber(), datetime(2026, 11, 5, tzinfo=UTC)).findings == []


def test_a_mirror_to_a_second_bucket_and_a_folder(rgw, tmp_path):
    first, second = rgw.bucket(), rgw.bucket()
    environment = first.environment()
    environ = environment | {
        "RUSTFS_KEY": environment["AWS_ACCESS_KEY_ID"],
        "RUSTFS_SECRET": environment["AWS_SECRET_ACCESS_KEY"],
        "RUSTFS_ENDPOINT": second.endpoint,
        "RUSTFS_BUCKET": second.name,
    }
    source, target = open_from("store:", environ), open_to("rustfs:", environ)
    corpus.put(source, [corpus.request("a", corpus.stamp("2026-11-01", 5))])
    assert len(sync(source, target).copied) == 1
    condense(source, Selection("2026-11-02"), temporary=tmp_path)
    outcome = sync(source, target, prune=True)
    assert (len(outcome.copied), len(outcome.pruned), outcome.failed) == (3, 1, [])
    assert second.list_keys() == first.list_keys()
    assert sync(source, target, prune=True).copied == []
    assert len(sync(target, Folder(tmp_path / "copy")).copied) == 3


def test_a_wrong_secret_and_a_bucket_that_is_not_there_say_what_to_set(rgw):
    wrong = rgw.door("none", secret="wrong-secret-123").environment()
    with pytest.raises(UserError, match="AWS_SECRET_ACCESS_KEY"):
        condense(open_one(None, "s3://none", wrong), Selection("2026-11-02"))
    missing = rgw.door("none").environment()
    with pytest.raises(UserError, match="does not exist"):
        sync(open_from("s3://none", missing), open_to("s3://none", missing))


def test_a_store_whose_certificate_is_of_an_own_authority(rgw, tmp_path):
    door = rgw.bucket(tls=True)
    environ = door.environment()
    untrusted = open_one(None, f"s3://{door.name}", environ)
    with pytest.raises(UserError) as refused:
        untrusted.list()
    assert "LOGS_CA_FILE" in refused.value.remedy
    for name in ("LOGS_CA_FILE", "AWS_CA_BUNDLE"):
        source = open_one(None, f"s3://{door.name}", environ | {name: str(rgw.authority)})
        corpus.put(source, [corpus.request("a", corpus.stamp("2026-11-01", 5))])
        assert condense(source, Selection("2026-11-01"), temporary=tmp_path).failed == []
        rows = ask(open_views([source], ALL), "SELECT request_id FROM records")
        assert rows is not None
        assert rows.fetchall() == [("a",)]
    second = {"RUSTFS_KEY": "rgwkey", "RUSTFS_SECRET": "rgwsecret123", "RUSTFS_ENDPOINT": door.endpoint}
    mirror = open_to("rustfs:", second | {"RUSTFS_BUCKET": door.name, "LOGS_CA_FILE": str(rgw.authority)})
    assert mirror is not None
    assert [file.key for file in mirror.list()] == door.list_keys()
