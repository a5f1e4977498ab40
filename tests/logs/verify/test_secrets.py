import json

from open_llm_proxy.logs.condense.day import condense_day
from open_llm_proxy.logs.verify.secrets import changed_fields, check_secrets
from open_llm_proxy.records.scrub import Scrubber

DAY = "2026-11-01"
SECRET = "AKIA" + "IOSFODNN7EXAMPLE"


def test_records_without_secrets(press, folder, corpus, calls, unit):
    corpus.put(folder, calls)
    assert list(check_secrets(press, unit(), Scrubber(["the-key-of-tests"]))) == []


def test_secrets_are_told_by_their_field_and_never_themselves(press, folder, corpus, unit, site):
    corpus.put(
        folder,
        [
            corpus.request("a", corpus.stamp(DAY, 5), user_question=f"use {SECRET}"),
            corpus.response("a", corpus.stamp(DAY, 6), content="the-key-of-tests"),
        ],
    )
    scrubber = Scrubber(["the-key-of-tests"])
    for where in (f"{DAY}/", f"consolidated/daily/{DAY}.parquet"):
        (finding,) = check_secrets(press, unit(), scrubber)
        assert (finding.where, finding.times) == (where, 2)
        assert "content, user_question" in finding.detail
        assert SECRET not in finding.detail
        condense_day(site, press, DAY)


def test_fields_that_hold_something():
    record = {"a": "fine", "tool_calls": [{"arguments": json.dumps({"api_key": "x"})}], "password": "y"}
    assert changed_fields(json.dumps(record), Scrubber()) == ["tool_calls", "password"]
    assert changed_fields("no json " + SECRET, Scrubber()) == ["entry"]
    assert changed_fields("no json", Scrubber()) == []
