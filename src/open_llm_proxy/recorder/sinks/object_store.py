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
        re.compile("RequestTimeTooSkewed|RequestExpired|AuthorizationHeaderMalformed.*date", re.IGNORECASE),
        "this machine's clock and the store's differ too much: set the clock right",
    ),
    (
        "bucket",
        re.compile("NoSuchBucket|ContainerNotFound|bucket does not exist", re.IGNORECASE),
        "the bucket does not exist: create it (`open-llm-proxy logs init`) or correct LOG_STORE or LOG_BUCKET",
    ),
    (
        "credentials",
        re.compile(
            "InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|AccessDenied|PermissionDenied"
            r"|Unauthenticated|\b40[13]\b|credential|Missing.*key",
            re.IGNORECASE,
        ),
        "the credentials are wrong or may not write there: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    (
        "throttled",
        re.compile(r"SlowDown|TooManyRequests|Throttl|\b429\b|\b503\b|ServiceUnavailable|RequestLimit", re.IGNORECASE),
        "the store asks for fewer requests",
    ),
    (
        "full",
        re.compile(r"QuotaExceeded|InsufficientStorage|\b507\b|No space left", re.IGNORECASE),
        "the store is full or the quota is used up",
    ),
    ("slow", re.compile(r"timed? ?out|timeout|deadline", re.IGNORECASE), "the store answers too slowly"),
    (
        "unreachable",
        re.compile(
            "error sending request|connect|dns|resolve|unreachable|reset|broken pipe|closed|certificate|tls|hyper",
            re.IGNORECASE,
        ),
        "the store cannot be reached",
    ),
)
_DETAIL_CHARACTERS: Final = 300
_SPACES: Final = re.compile(r"\s+")
_CODE: Final = re.compile(r"<Code>(\w+)</Code>|<Message>([^<]+)</Message>")


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
    """The one or two words that matter of a long error text."""
    codes = [code or message for code, message in _CODE.findall(text)]
    detail = ", ".join(codes) if codes else text.split("Debug source:", maxsplit=1)[0]
    return _SPACES.sub(" ", detail).strip()[:_DETAIL_CHARACTERS]
