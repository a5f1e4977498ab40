"""A bucket, by obstore. Each put is one request: the object is there whole or not at all."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import obstore
from obstore.store import ObjectStore

from open_llm_proxy.errors import UserError
from open_llm_proxy.recorder.sinks import Fault, SinkError

# What the client's error texts hold, in the order in which they are looked for. S3's codes:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_FAULTS: Final[tuple[tuple[Fault, re.Pattern[str], str], ...]] = (
    (
        "clock",
        re.compile("RequestTimeTooSkewed|RequestExpired"),
        "this machine's clock and the store's differ too much: set the clock right",
    ),
    (
        "credentials",
        re.compile(
            "InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|AccessDenied|PermissionDenied"
            r"|Unauthenticated|: 40[13] |169\.254\.169\.254|metadata\.google|MissingCredentials"
        ),
        "the credentials are missing, wrong or may not write there: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    (
        "bucket",
        re.compile("NoSuchBucket|ContainerNotFound|: 404 |FileNotFoundError|BareRedirect|InvalidBucketName"),
        "the bucket does not exist there: create it (`open-llm-proxy logs init`), or correct LOG_STORE or LOG_BUCKET",
    ),
    (
        "throttled",
        re.compile("SlowDown|TooManyRequests|Throttl|RequestLimitExceeded|: 429 |: 503 "),
        "the store asks for fewer requests",
    ),
    (
        "full",
        re.compile("QuotaExceeded|InsufficientStorage|StorageFull|: 507 |No space left"),
        "the store is full, or the quota is used up",
    ),
    ("slow", re.compile("kind: Timeout|TimedOut|RequestTimeout|: 408 "), "the store does not answer in time"),
    (
        "unreachable",
        re.compile("kind: Connect|error sending request|connection|: 50[24] ", re.IGNORECASE),
        "the store cannot be reached",
    ),
)
_DETAIL_CHARACTERS: Final = 200
_DEBUG: Final = "\n\nDebug source:"
_CODE: Final = re.compile(r"<Code>([^<]+)</Code>")
_INNERMOST: Final = re.compile(
    r'(?:message|error): "([^"]+)"|\b(Invalid\w+|UnknownIssuer|NotValidForName\w*|Expired)\b'
)
_STATUS: Final = re.compile(r"status code: (\d{3} [A-Za-z ]+)")
_SPACES: Final = re.compile(r"\s+")


class ObjectStoreSink:
    """Puts files into a store, opened at the first; ``name`` is what it is called in messages."""

    def __init__(self, connect: Callable[[], ObjectStore], name: str) -> None:
        self._connect = connect
        self._store: ObjectStore | None = None
        self._name = name

    def put(self, key: str, path: Path) -> None:
        """One request with the whole file.

        Raises:
            SinkError: With the store's reason, and what to do about it.
        """
        data = path.read_bytes()
        try:
            if self._store is None:
                self._store = self._connect()
            obstore.put(self._store, key, data, use_multipart=False)
        except UserError as error:
            raise SinkError("bucket", str(error)) from error
        except Exception as error:  # obstore's errors have several bases, Exception itself among them
            raise classify(error, self._name) from error


def classify(error: Exception, name: str) -> SinkError:
    """What an error of the client means, in one line."""
    text = f"{type(error).__name__}: {error}"
    for fault, pattern, meaning in _FAULTS:
        if pattern.search(text):
            return SinkError(fault, f"{name}: {meaning} ({_detail(text)})")
    return SinkError("other", f"{name}: the store refused a file ({_detail(text)})")


def _detail(text: str) -> str:
    """The few words that matter of a long error text."""
    summary, _, debug = text.partition(_DEBUG)
    codes = [*_CODE.findall(summary)[:1], *_STATUS.findall(summary)[:1]]
    if not codes:
        codes = [first or second for first, second in _INNERMOST.findall(debug)[-1:]]
    return _SPACES.sub(" ", ", ".join(codes) or summary).strip()[:_DETAIL_CHARACTERS]
