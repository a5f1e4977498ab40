import re

import msgspec
import pytest

from open_llm_proxy.config import environment
from open_llm_proxy.config.environment import BY_NAME, VARIABLES
from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.snapshot import Snapshot

NAMES = [
    "PROXY_KEY",
    "PROXY_KEYS_EXTRA",
    "OPEN_LLM_PROXY_CONFIG",
    "LOG_DIR",
    "LOG_STORE",
    "LOG_BUCKET",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_S3_ENDPOINT_URL",
    "AWS_REGION",
    "SPOOL_DIR",
    "FLUSH_INTERVAL",
    "CACHE_SALT",
    "LOG_CAPTURE_MODE",
    "LOG_CONTENT_MAX",
    "LOG_REASONING_MAX",
    "LOG_TOOL_RESULT_MAX",
    "LOG_USER_QUESTION_MAX",
    "LOG_STDOUT_MAX_FIELD",
    "UPSTREAM_TIMEOUT_SECONDS",
    "DRAIN_SECONDS",
    "METRICS_PORT",
    "SLOW_COMPLETION_WARN_SECONDS",
    "MODELS_CACHE_TTL",
    "MODELS_FETCH_TIMEOUT",
    "LOG_RATIO_MIN_REQUESTS",
    "LOG_RATIO_FLOOR",
    "LOGS_READ_KEY",
    "LOGS_READ_SECRET",
    "LOGS_READ_ENDPOINT",
    "LOGS_CA_FILE",
    "LOGS_BUCKET",
    "LOGS_DIR",
    "RUSTFS_KEY",
    "RUSTFS_SECRET",
    "RUSTFS_ENDPOINT",
    "RUSTFS_BUCKET",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
]


def test_the_names_are_the_ones_that_deployments_set():
    assert [variable.name for variable in VARIABLES if variable.name not in NAMES] == []
    assert sorted(BY_NAME) == sorted(NAMES)
    assert len(VARIABLES) == len(BY_NAME)


def test_secrets_can_come_from_files():
    assert {variable.name for variable in VARIABLES if variable.secret} == {
        "PROXY_KEY",
        "PROXY_KEYS_EXTRA",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "CACHE_SALT",
        "LOGS_READ_KEY",
        "LOGS_READ_SECRET",
        "RUSTFS_KEY",
        "RUSTFS_SECRET",
    }


def at(place):
    value = Snapshot(config=Config(providers={}), config_sha256="")
    for step in place.split("."):
        value = getattr(value, step)
    return value


@pytest.mark.parametrize("variable", [row for row in VARIABLES if row.target], ids=lambda row: row.name)
def test_a_target_is_a_place_in_the_snapshot_whose_default_is_the_documented_one(variable):
    default = at(variable.target)
    assert (variable.parse(variable.default) if variable.default else None) == default


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda row: row.name)
def test_a_row_says_what_it_does_and_what_it_takes(variable):
    assert variable.help.endswith(".")
    with pytest.raises(ValueError, match=r"."):
        variable.parse("\x00")


GOOD = {
    "FLUSH_INTERVAL": [("2", 2), ("0.5", 0.5), (".5", 0.5), ("5.", 5)],
    "METRICS_PORT": [("0", 0), ("65535", 65535)],
    "LOG_CONTENT_MAX": [("0", 0), ("123456", 123456)],
    "LOG_RATIO_FLOOR": [("0", 0), ("1", 1), ("0.25", 0.25)],
    "LOG_CAPTURE_MODE": [("full", "full"), ("FULL", "full"), ("Summary", "summary")],
    "MODELS_CACHE_TTL": [("0", 0)],
    "AWS_S3_ENDPOINT_URL": [
        ("http://rook-ceph-rgw-nautiluss3.rook", "http://rook-ceph-rgw-nautiluss3.rook"),
        ("https://s3.example/", "https://s3.example"),
    ],
    "AWS_REGION": [("eu-west-1", "eu-west-1")],
    "LOG_BUCKET": [("logs-cacao", "logs-cacao"), ("logs-<your-namespace>", "logs-<your-namespace>"), ("a/b", "a/b")],
    "LOG_STORE": [
        (url, url)
        for url in (
            "s3://b",
            "s3://b/p/q",
            "gs://b/p",
            "az://c/p",
            "abfss://c@a.example/p",
            "file:///var/logs",
            "s3://logs-<ns>",
        )
    ],
    "LOG_DIR": [("./logs", "./logs"), ("/var/log mit Ä", "/var/log mit Ä")],
}
BAD = {
    "FLUSH_INTERVAL": ["0", "-1", "1e3", "inf", "nan", "60s", "1_0", "99999999999", "٣", "1.5.2", "."],
    "METRICS_PORT": ["65536", "-1", "80.0", "http", "+80", "0x50", "1_0", "٣"],
    "LOG_CONTENT_MAX": ["-1", "all", "1.5", "9" * 30],
    "LOG_RATIO_FLOOR": ["1.1", "-0.1", "half"],
    "LOG_CAPTURE_MODE": ["everything", "sum mary"],
    "AWS_S3_ENDPOINT_URL": ["s3.example", "ftp://x", "https://user:pw@x"],
    "AWS_REGION": ["eu west", "x/y"],
    "LOG_BUCKET": ["s3://logs", "logs cacao", "-x", "a\nb"],
    "LOG_STORE": ["logs", "s3:", "s3:///p", "ftp://x/y", "file:relative", "/var/logs", "s3://a b"],
    "LOG_DIR": ["a\x00b", "a\nb", "\udcff"],
}


@pytest.mark.parametrize(("name", "text", "value"), [(name, *pair) for name, pairs in GOOD.items() for pair in pairs])
def test_taken(name, text, value):
    assert BY_NAME[name].parse(text) == value


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_refused(name, text):
    with pytest.raises(ValueError, match=r"^(an?|the|summary|text) "):
        BY_NAME[name].parse(text)


@pytest.mark.parametrize(
    ("parse", "wanted"),
    [
        (environment.whole(0), "a whole number from 0"),
        (environment.whole(0, 65535), "a whole number from 0 to 65535"),
        (environment.number(0, 1), "a number from 0, 1 at most"),
        (environment.seconds(), "a number of seconds above 0, 31536000 at most"),
        (environment.seconds(above=False), "a number of seconds from 0, 31536000 at most"),
        (environment.choice("summary", "full"), "summary or full"),
    ],
)
def test_a_parser_says_what_it_takes(parse, wanted):
    with pytest.raises(ValueError, match=f"^{re.escape(wanted)}$"):
        parse("?")


def test_rows_are_plain_values():
    assert all(isinstance(variable, msgspec.Struct) for variable in VARIABLES)
