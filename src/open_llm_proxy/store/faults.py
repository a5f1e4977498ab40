"""What an error of a store means, and what a person can do about it: the client's texts are long, and none says it."""

import re
from typing import Final, Literal, NamedTuple

Fault = Literal["unreachable", "slow", "throttled", "credentials", "bucket", "clock", "full", "other"]

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
        "the credentials are missing, wrong or lack this right: check {keys}",
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
        "the store cannot be reached: check {endpoint}, and ca_file where its certificate is not known",
    ),
)
_OTHER: Final = "the store refused"


class _Settings(NamedTuple):
    """What says who one is to a store, and what says where it is."""

    keys: str
    endpoint: str


S3: Final = _Settings("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "AWS_S3_ENDPOINT_URL")
GOOGLE: Final = _Settings("GOOGLE_APPLICATION_CREDENTIALS", "the network")
AZURE: Final = _Settings("AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCOUNT_NAME")
_OTHERS: Final = (
    (re.compile(r"\bGCS\b|googleapis\.com|metadata\.google"), GOOGLE),
    (re.compile(r"MicrosoftAzure|\.core\.windows\.net"), AZURE),
)
_DETAIL_CHARACTERS: Final = 200
_DEBUG: Final = "\n\nDebug source:"
_CODE: Final = re.compile(r"<Code>([^<]+)</Code>")
_INNERMOST: Final = re.compile(
    r'(?:message|error): "([^"]+)"|\b(Invalid\w+|UnknownIssuer|NotValidForName\w*|Expired)\b'
)
_STATUS: Final = re.compile(r"status code: (\d{3} [A-Za-z ]+)")
_SPACES: Final = re.compile(r"\s+")


class Diagnosis(NamedTuple):
    """The kind of an error, what it means, and the few words of the store or the client that say so."""

    fault: Fault
    meaning: str
    detail: str

    def __str__(self) -> str:
        return f"{self.meaning} ({self.detail})"


def diagnose(error: Exception) -> Diagnosis:
    """What an error of the client means; ``other``: it may be the request's own fault."""
    return diagnose_text(f"{type(error).__name__}: {error}")


def diagnose_text(text: str) -> Diagnosis:
    """As ``diagnose``, of an error's text or of an answer as ``status code: 403 Forbidden <body>``."""
    for fault, pattern, meaning in _FAULTS:
        if pattern.search(text):
            settings = next((settings for sign, settings in _OTHERS if sign.search(text)), S3)
            return Diagnosis(fault, meaning.format_map(settings._asdict()), detail_of(text))
    return Diagnosis("other", _OTHER, detail_of(text))


def detail_of(text: str) -> str:
    """The few words that matter of a long error text."""
    summary, _, debug = text.partition(_DEBUG)
    codes = [*_CODE.findall(summary)[:1], *_STATUS.findall(summary)[:1]]
    if not codes:
        codes = [first or second for first, second in _INNERMOST.findall(debug)[-1:]]
    return _SPACES.sub(" ", ", ".join(codes) or summary).strip()[:_DETAIL_CHARACTERS]
