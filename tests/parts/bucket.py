"""A bucket seen with another client than the proxy's: what is there, whole lines or not, and how to log to it."""

import json
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config

NAME: Final = "logs-tests"
# Ceph before 18 does not know the checksums that newer clients send unasked.
PLAIN: Final = Config(
    s3={"addressing_style": "path"},
    signature_version="s3v4",
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    retries={"max_attempts": 2},
)


class Bucket:
    """``key`` and ``secret`` open it; ``authority`` is a PEM file for TLS."""

    def __init__(
        self, endpoint: str, *, key: str, secret: str, name: str = NAME, authority: Path | None = None
    ) -> None:
        self.endpoint = endpoint
        self.name = name
        self._key, self._secret = key, secret
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            region_name="us-east-1",
            verify=str(authority) if authority else None,
            config=PLAIN,
        )

    def environment(self) -> dict[str, str]:
        """The proxy's variables that make this its store."""
        return {
            "AWS_ACCESS_KEY_ID": self._key,
            "AWS_SECRET_ACCESS_KEY": self._secret,
            "AWS_S3_ENDPOINT_URL": self.endpoint,
            "LOG_BUCKET": self.name,
            "LOG_DIR": "",
        }

    def create(self) -> "Bucket":
        self.client.create_bucket(Bucket=self.name)
        return self

    def list_keys(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return sorted(item["Key"] for page in pages for item in page.get("Contents", ()))

    def read(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def records(self) -> list[dict[str, Any]]:
        """All records. Raises where a chunk file is not whole lines of JSON."""
        return [
            record for key in self.list_keys() if key.endswith(".jsonl") for record in records_in(self.read(key), key)
        ]


def records_in(data: bytes, key: str) -> list[dict[str, Any]]:
    """The records of one chunk file."""
    assert data.endswith(b"\n"), f"{key} ends in a torn line"
    return [json.loads(line) for line in data.splitlines()]
