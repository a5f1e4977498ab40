"""Makes the bucket that a store's URL names. obstore cannot, but it signs: the request goes by the standard library."""

import ssl
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import obstore
from obstore.store import ObjectStore, S3Store

from open_llm_proxy.errors import UserError
from open_llm_proxy.store.connect import DEFAULT_REGION, StoreOptions, connect
from open_llm_proxy.store.faults import Diagnosis, Fault, diagnose, diagnose_text

Made = Literal["created", "was there already"]

TIMEOUT_S: Final = 30.0
_VALID: Final = timedelta(minutes=5)
_ANSWER_BYTES: Final = 65536
_XML: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_NAME: Final = "Set LOG_BUCKET (or LOG_STORE) to another name: 3 to 63 lower-case letters, digits and hyphens"
_REMEDIES: Final[dict[Fault, str]] = {
    "unreachable": "Set AWS_S3_ENDPOINT_URL to the store's address, and ca_file where its certificate is not known",
    "slow": "Try again, or set AWS_S3_ENDPOINT_URL to another address of the store",
    "throttled": "Try again in a while",
    "credentials": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a user that may create buckets, or have the"
    " store's operator create it",
    "bucket": _NAME,
    "clock": "Set this machine's clock right",
    "full": "Ask the store's operator for room",
    "other": "Have the store's operator create it",
}


def create_bucket(url: str, options: StoreOptions) -> Made:
    """Create the bucket (or folder) of ``url``; one that is there and can be read is left as it is.

    Raises:
        UserError: It cannot be made; says why, and which variable to set.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("", "file"):
        root = f"{parts.scheme}://{parts.netloc}"
        store = connect(root, options)
        missing = _look(store)
        if missing is None:
            return "was there already"
        if not isinstance(store, S3Store):
            raise UserError(f"{root} cannot be listed: {missing.detail}", "Create it with the provider's own tools")
        return _create_s3(store, root, options, missing)
    return _make_folder(url)


def _make_folder(url: str) -> Made:
    parts = urlsplit(url)
    path = Path(urllib.request.url2pathname(parts.path) if parts.scheme else url).expanduser().absolute()
    there = path.is_dir()
    connect(url)  # makes it
    return "was there already" if there else "created"


def _look(store: ObjectStore) -> Diagnosis | None:
    """What keeps the bucket from being listed; None: nothing does."""
    try:
        found = obstore.list(store, chunk_size=1)  # pyright: ignore[reportUnknownMemberType] - an overload names pyarrow
        next(iter(found), None)
    except Exception as error:  # noqa: BLE001 - obstore's errors have several bases, Exception itself among them
        return diagnose(error)
    return None


def _create_s3(store: S3Store, root: str, options: StoreOptions, missing: Diagnosis) -> Made:
    """``CreateBucket``: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html.

    Where a listing is not allowed the bucket may still be missing, or be another's: the answer tells.
    """
    at = f"{root} at {options.s3_endpoint}" if options.s3_endpoint else root
    if missing.fault not in {"bucket", "credentials"} or "InvalidAccessKeyId" in missing.detail:
        raise _failure(at, missing)
    answer = _send(store, options, at)
    if answer is None:
        return "created"
    if "BucketAlreadyOwnedByYou" in answer:
        return "was there already"
    if "BucketAlreadyExists" in answer:
        raise UserError(f"{at} belongs to somebody else, or your key may not list it", _NAME)
    raise _failure(at, diagnose_text(answer))


def _send(store: S3Store, options: StoreOptions, at: str) -> str | None:
    """Put the bucket; the answer as a text for ``diagnose_text`` where it is a refusal."""
    try:
        signed = obstore.sign(store, "PUT", "", _VALID)
        request = urllib.request.Request(signed, data=_place(options), method="PUT")  # noqa: S310 - the scheme is the endpoint's, http or https
        with _opener(options).open(request, timeout=TIMEOUT_S):
            return None
    except urllib.error.HTTPError as error:
        with error:
            body = error.read(_ANSWER_BYTES).decode("utf-8", "replace")
        return f"status code: {error.code} {error.reason} {body}"
    except Exception as error:  # of the network or of obstore, which have no base in common
        raise _failure(at, diagnose(error)) from error


def _place(options: StoreOptions) -> bytes | None:
    """AWS makes a bucket outside its first region only where the request says so; other stores have none to say."""
    if options.s3_endpoint or options.region == DEFAULT_REGION:
        return None
    place = f"<LocationConstraint>{options.region}</LocationConstraint>"
    return f'<CreateBucketConfiguration xmlns="{_XML}">{place}</CreateBucketConfiguration>'.encode()


def _opener(options: StoreOptions) -> urllib.request.OpenerDirector:
    """What sends to the store itself, as obstore does, with its authorities beside the system's."""
    context = ssl.create_default_context()
    if options.ca_file:
        context.load_verify_locations(options.ca_file)
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))


def _failure(at: str, why: Diagnosis) -> UserError:
    reason = why.meaning.partition(":")[0]  # what follows there is said better by the remedy
    return UserError(f"{at} cannot be created: {reason} ({why.detail})", _REMEDIES[why.fault])
