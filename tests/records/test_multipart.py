"""Forms: text fields stay, files become their type, size and hash."""

import hashlib

import pytest

from open_llm_proxy.records.multipart import read_form

KIND = "multipart/form-data; boundary=----formdata-1a2b"
SOUND = b"RIFF\x00\xff\r\nWAVE--data"


def form(*parts: bytes, boundary: bytes = b"----formdata-1a2b") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


def field(name: str, value: bytes) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value


FILE = b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n' + SOUND


def test_a_transcription_request():
    assert read_form(form(field("model", b"whisper-1"), FILE, field("language", b"de")), KIND) == {
        "model": "whisper-1",
        "file": {"omitted": "audio/wav", "bytes": len(SOUND), "sha256": hashlib.sha256(SOUND).hexdigest()},
        "language": "de",
    }


def test_a_name_that_comes_twice_is_a_list():
    twice = form(*(field("timestamp_granularities[]", value) for value in (b"word", b"segment", b"x")))
    assert read_form(twice, KIND) == {"timestamp_granularities[]": ["word", "segment", "x"]}


def test_a_quoted_boundary_and_a_file_without_a_type():
    body = form(b"content-disposition: form-data; filename*=UTF-8''a; name=image\r\n\r\n\x89PNG", boundary=b"a b")
    assert read_form(body, 'multipart/form-data; boundary="a b"')["image"]["omitted"] == "application/octet-stream"


def test_a_field_that_is_long_or_binary_is_left_out_too():
    body = form(
        field("prompt", b"x" * 70_000),
        b'Content-Disposition: form-data; name="mask"\r\nContent-Type: image/png\r\n\r\n\x89PNG',
    )
    found = read_form(body, KIND)
    assert (found["prompt"]["bytes"], found["mask"]["omitted"]) == (70_000, "image/png")


@pytest.mark.parametrize(
    "body", [b"", b"--", form(b"no head"), form(b"Content-Disposition: form-data\r\n\r\nx"), b"\xff" * 50]
)
def test_what_is_no_form_gives_no_fields(body):
    assert read_form(body, KIND) == {}


def test_a_cut_form_gives_the_parts_that_came():
    assert read_form(form(field("a", b"1"), field("b", b"2"))[:100], KIND)["a"] == "1"


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain; boundary=x"])
def test_other_types_are_none(kind):
    assert read_form(form(FILE), kind) is None
