"""Inline binary data becomes its type, length and hash; text stays."""

import base64
import hashlib

import pytest

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


@pytest.mark.parametrize(
    "text",
    [
        "Data: the mean, the median and the mode",
        "data:1,2,3",
        'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\ndata: [DONE]',
        "data:,brief",
        "data: image/png; and more, please",
        "data:nothing of the kind",
        "data:" + "x" * 600 + "/png;base64,QUJD",
    ],
)
def test_words_that_begin_like_a_data_url_stay(text):
    assert omit_binary(text) == text
    assert omit_binary([{"type": "text", "text": text}]) == [{"type": "text", "text": text}]


@pytest.mark.parametrize(
    ("url", "media_type", "data"),
    [
        ("data:image/png;base64,QUJD", "image/png", b"ABC"),
        ("DATA:Image/PNG;Base64,QUJD", "image/png", b"ABC"),
        ("data:;base64,QUJDRA", "text/plain", b"ABCD"),  # RFC 2397: the default type; no padding
        ("data:audio/wav;rate=16000;base64,-_-_\r\n", "audio/wav", b"\xfb\xff\xbf"),
        ("data:image/svg+xml;utf8,<svg a='b c'/>", "image/svg+xml", b"<svg a='b c'/>"),
        ("data:text/plain,a%20b", "text/plain", b"a b"),
        ("data:image/png;base64,QUJDR", "image/png", b"QUJDR"),  # cut off, or none: counted as it stands
    ],
)
def test_the_forms_of_a_data_url(url, media_type, data):
    sha256 = hashlib.sha256(data).hexdigest()
    assert omit_binary(url) == {"omitted": media_type, "bytes": len(data), "sha256": sha256}


def test_a_data_url_within_prose_is_told_in_its_place():
    data = bytes(60)
    encoded = base64.b64encode(data).decode()
    told = f"[omitted: image/png, 60 bytes, sha256 {hashlib.sha256(data).hexdigest()}]"
    assert omit_binary(f"see ![x](data:image/png;base64,{encoded}) here") == f"see ![x]({told}) here"
    assert omit_binary(f"data: see data:image/png;base64,{encoded}") == f"data: see {told}"
    assert "[omitted: text/plain, 60 bytes" in omit_binary(f"(data:;base64,{encoded})")
    short = "a data:image/png;base64,QUJD of three bytes"
    assert omit_binary(short) == short


def test_data_of_a_named_sound_format_is_left_out_however_short():
    assert omit_binary({"format": "wav", "data": "QUJD"})["data"]["omitted"] == "audio/wav"
    assert omit_binary({"b64_json": "QUJD" * 128})["b64_json"]["omitted"] == "application/octet-stream"
    assert omit_binary({"mimeType": "image/gif", "data": "QUJDR"})["data"]["bytes"] == 5  # no base64 after all
