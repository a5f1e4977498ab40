"""Inline binary data becomes its type, length and hash; text stays."""

import base64
import hashlib

from open_llm_proxy.records.omit import omit_binary


def test_a_data_url_is_left_out():
    data = b"\x89PNG" * 10
    url = "data:image/png;base64," + base64.b64encode(data).decode()
    assert omit_binary({"image_url": {"url": url}}) == {
        "image_url": {"url": {"omitted": "image/png", "bytes": 40, "sha256": hashlib.sha256(data).hexdigest()}}
    }


def test_short_or_textual_data_stays():
    value = {"data": "hello", "source": {"data": "see https://example.org/?a=b " * 20}}
    assert omit_binary(value) == value


def test_the_media_type_beside_it_is_told():
    kept = omit_binary({"source": {"media_type": "image/jpeg", "data": "QUJD" * 100}})
    assert kept["source"]["data"]["omitted"] == "image/jpeg"
