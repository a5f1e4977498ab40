"""The environment variables that are read, one row each: name, default, what it does, how its text becomes a value.

A parser takes the text, without white space at the ends and never empty, and raises ``ValueError`` with what the
variable takes. ``target`` is where the value goes: a dotted place in ``Snapshot``; empty where code of its own decides.
"""

import re
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from open_llm_proxy.config.formats import FORMATS

_WHOLE: Final = re.compile(r"[0-9]{1,15}")
_NUMBER: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{0,9})?|\.[0-9]{1,9}")
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/<>-]*")
_REGION: Final = re.compile(r"[A-Za-z0-9-]+")
_STORE_URL: Final = re.compile(r"(?:s3a?|gs|az|azure|adl|abfss?)://[^/\s]+(?:/\S*)?|file:///\S+")
_YEAR_S: Final = 31_536_000


def text(value: str) -> str:
    """Any text that can be stored and shown."""
    if not value.isprintable():
        raise ValueError("a text without control characters, in UTF-8")
    return value


def whole(low: int, high: int = 10**15) -> Callable[[str], int]:
    """A whole number within bounds."""

    def parse(value: str) -> int:
        if not _WHOLE.fullmatch(value) or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low}" + (f" to {high}" if high < 10**15 else ""))
        return int(value)

    return parse


def number(low: float, high: float = _YEAR_S, *, unit: str = "", above: bool = False) -> Callable[[str], float]:
    """A number within bounds; ``above``: the lower bound itself is refused."""

    def parse(value: str) -> float:
        given = float(value) if _NUMBER.fullmatch(value) else -1.0
        if not low <= given <= high or (above and given == low):
            raise ValueError(f"a number{unit} {'above' if above else 'from'} {low:g}, {high:.9g} at most")
        return given

    return parse


def seconds(*, above: bool = True) -> Callable[[str], float]:
    """A duration in seconds, a year at most."""
    return number(0, unit=" of seconds", above=above)


def choice(*words: str) -> Callable[[str], str]:
    """One of a few words, in any case."""

    def parse(value: str) -> str:
        if value.lower() not in words:
            raise ValueError(" or ".join(words))
        return value.lower()

    return parse


def url(value: str) -> str:
    """An http or https URL."""
    if FORMATS["url"](value) is not None:
        raise ValueError("an http:// or https:// URL, no password in it")
    return value.rstrip("/")


def store_url(value: str) -> str:
    """An object-store URL; one with ``<`` in it passes, to be refused without stopping the start."""
    if not _STORE_URL.fullmatch(value):
        raise ValueError("an object-store URL: s3://bucket/prefix, gs://…, az://…, file:///folder")
    return value


def bucket(value: str) -> str:
    """A bucket's name; one with ``<`` in it passes, to be refused without stopping the start."""
    if not _BUCKET.fullmatch(value) or "://" in value:
        raise ValueError("the name of a bucket, such as logs-cacao")
    return value


def region(value: str) -> str:
    """A region's name."""
    if not _REGION.fullmatch(value):
        raise ValueError("the name of a region, such as eu-west-1")
    return value


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """One row.

    ``reader``: ``serve`` takes it, or the readers of logs (``logs``), or the mirror job (``mirror``).
    ``secret``: never shown, and ``<name>_FILE`` may name a file that holds it.
    """

    name: str
    help: str
    default: str = ""
    parse: Callable[[str], Any] = text
    target: str = ""
    secret: bool = False
    reader: Literal["serve", "logs", "mirror"] = "serve"


VARIABLES: Final = (
    Variable(
        name="PROXY_KEY",
        secret=True,
        help="The client key, `default` in records. With neither it nor an extra key every call is refused (500).",
    ),
    Variable(
        name="PROXY_KEYS_EXTRA",
        secret=True,
        help="More client keys, comma-separated; `name=key` names one, the n-th without a name is `extra-<n>`.",
    ),
    Variable(
        name="OPEN_LLM_PROXY_CONFIG",
        default="./config.json, else the shipped one",
        help="The config file, when `--config` does not say.",
    ),
    Variable(
        name="LOG_DIR",
        help="Folder that gets the bucket's layout when no store is configured (`LOG_STORE`, or both `AWS_*` keys).",
    ),
    Variable(
        name="LOG_STORE",
        parse=store_url,
        help="Object-store URL for log chunks (`s3://bucket/prefix`, `gs:`, `az:`, `file:`); wins over `LOG_BUCKET`. "
        "`s3:` goes to AWS unless `AWS_S3_ENDPOINT_URL` is set.",
    ),
    Variable(name="LOG_BUCKET", default="logs-open-llm-proxy", parse=bucket, help="S3 bucket for log chunks."),
    Variable(
        name="AWS_ACCESS_KEY_ID",
        secret=True,
        help="With the secret key: chunks go to S3; without: to stdout only (and `LOG_DIR`).",
    ),
    Variable(name="AWS_SECRET_ACCESS_KEY", secret=True, help="With the access key: see there."),
    Variable(
        name="AWS_S3_ENDPOINT_URL",
        default="http://rook-ceph-rgw-nautiluss3.rook",
        parse=url,
        help="S3 endpoint, path style, http or https.",
    ),
    Variable(
        name="AWS_REGION",
        default="us-east-1",
        parse=region,
        help="Region of the bucket. AWS wants its own, other stores take the default.",
    ),
    Variable(
        name="SPOOL_DIR",
        default="<user's state folder>/open-llm-proxy/<port>",
        help="Folder for frames and chunk files that wait; `/var/spool/open-llm-proxy` in the image.",
    ),
    Variable(
        name="FLUSH_INTERVAL",
        default="300",
        parse=seconds(),
        target="log.flush_interval_s",
        help="Seconds between chunks (2 with `--demo`).",
    ),
    Variable(name="CACHE_SALT", secret=True, help="Sent as `cache_salt` to the provider `nrp`."),
    Variable(
        name="LOG_CAPTURE_MODE",
        default="summary",
        parse=choice("summary", "full"),
        target="log.capture_mode",
        help="`summary`, or `full`: adds the whole scrubbed `messages`.",
    ),
    Variable(
        name="LOG_CONTENT_MAX",
        default="0",
        parse=whole(0),
        target="log.content_max",
        help="Characters of an answer's content kept; 0: all.",
    ),
    Variable(
        name="LOG_REASONING_MAX",
        default="4000",
        parse=whole(0),
        target="log.reasoning_max",
        help="Characters of reasoning kept; 0: all.",
    ),
    Variable(
        name="LOG_TOOL_RESULT_MAX",
        default="20000",
        parse=whole(0),
        target="log.tool_result_max",
        help="Characters of a tool result kept; 0: all.",
    ),
    Variable(
        name="LOG_USER_QUESTION_MAX",
        default="4000",
        parse=whole(0),
        target="log.user_question_max",
        help="Characters of a user's message kept; 0: all.",
    ),
    Variable(
        name="LOG_STDOUT_MAX_FIELD",
        default="200",
        parse=whole(0),
        target="log.stdout_max_field",
        help="Characters of a field on stdout when chunks also go to a store; 0: all.",
    ),
    Variable(
        name="UPSTREAM_TIMEOUT_SECONDS",
        default="1200",
        parse=seconds(),
        target="config.timeouts.between_bytes_s",
        help="As `timeouts.between_bytes_s`, and wins over it: the wait for the next byte from a provider.",
    ),
    Variable(
        name="DRAIN_SECONDS",
        default="1260",
        parse=seconds(),
        target="config.timeouts.drain_s",
        help="As `timeouts.drain_s`, and wins over it.",
    ),
    Variable(
        name="METRICS_PORT",
        default="9002",
        parse=whole(0, 65535),
        target="config.metrics.port",
        help="As `metrics.port`, and wins over it; 0 is off.",
    ),
    Variable(
        name="SLOW_COMPLETION_WARN_SECONDS",
        default="300",
        parse=seconds(above=False),
        target="log.slow_completion_s",
        help="A finished call slower than this gets a line `Slow completion …` on stderr.",
    ),
    Variable(
        name="MODELS_CACHE_TTL",
        default="300",
        parse=seconds(above=False),
        target="models_cache_ttl_s",
        help="Seconds that a provider's model list is kept.",
    ),
    Variable(
        name="MODELS_FETCH_TIMEOUT",
        default="8",
        parse=seconds(),
        target="models_fetch_timeout_s",
        help="Seconds that a provider has for its model list.",
    ),
    Variable(
        name="LOG_RATIO_MIN_REQUESTS",
        default="20",
        parse=whole(0),
        target="log.ratio_min_requests",
        help="Requests in a flush window from which the balance of responses is checked.",
    ),
    Variable(
        name="LOG_RATIO_FLOOR",
        default="0.5",
        parse=number(0, 1),
        target="log.ratio_floor",
        help="Responses a request below which a window counts as out of balance (a line on stderr, and on `/health`).",
    ),
    Variable(
        name="OTEL_EXPORTER_OTLP_ENDPOINT",
        parse=url,
        target="traces_endpoint",
        help="Where traces go: the base URL of a collector that takes OTLP over http/protobuf, such as "
        "`http://collector:4318`; none without it. The SDK's other `OTEL_*` variables count, too.",
    ),
    Variable(name="LOGS_READ_KEY", reader="logs", secret=True, help="Readers' access key, else `AWS_ACCESS_KEY_ID`."),
    Variable(name="LOGS_READ_SECRET", reader="logs", secret=True, help="Readers' secret key."),
    Variable(name="LOGS_READ_ENDPOINT", reader="logs", parse=url, help="Readers' S3 endpoint."),
    Variable(
        name="LOGS_CA_FILE",
        reader="logs",
        help="Certificate authorities (PEM) that the stores' certificates may be of, beside the system's; else "
        "`AWS_CA_BUNDLE`, else `ca_file` of the configuration that `OPEN_LLM_PROXY_CONFIG` names.",
    ),
    Variable(name="LOGS_BUCKET", reader="logs", parse=bucket, help="Readers' bucket."),
    Variable(name="LOGS_DIR", reader="logs", default="./logs", help="Readers' folder, when no store is named."),
    Variable(name="RUSTFS_KEY", reader="mirror", secret=True, help="Second store, that the mirror job copies to: key."),
    Variable(name="RUSTFS_SECRET", reader="mirror", secret=True, help="Its secret key."),
    Variable(name="RUSTFS_ENDPOINT", reader="mirror", parse=url, help="Its endpoint."),
    Variable(name="RUSTFS_BUCKET", reader="mirror", parse=bucket, help="Its bucket."),
)
BY_NAME: Final = {variable.name: variable for variable in VARIABLES}
