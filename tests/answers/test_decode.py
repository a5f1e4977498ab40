"""Content codings are undone, bounded, and cut input gives what could be read."""

import gzip
import zlib

import brotli
import pytest
import zstandard

from open_llm_proxy.answers.decode import decode

TEXT = b'{"content": "' + b"hello " * 500 + b'"}'


def deflate_raw(data: bytes) -> bytes:
    maker = zlib.compressobj(wbits=-15)
    return maker.compress(data) + maker.flush()


CODED = [
    ("gzip", gzip.compress(TEXT)),
    ("x-gzip", gzip.compress(TEXT)),
    ("deflate", zlib.compress(TEXT)),
    ("deflate", deflate_raw(TEXT)),
    ("br", brotli.compress(TEXT)),
    ("zstd", zstandard.ZstdCompressor().compress(TEXT)),
    ("gzip, br", brotli.compress(gzip.compress(TEXT))),
    ("identity", TEXT),
    (None, TEXT),
]


@pytest.mark.parametrize(("encoding", "data"), CODED)
def test_each_coding_is_undone(encoding, data):
    assert decode(data, encoding) == (TEXT, True)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_garbage_gives_nothing_and_says_so(encoding):
    found, whole = decode(b"\xff\xfe not compressed at all", encoding)
    assert (found, whole) == (b"", False)


def test_an_unknown_coding_gives_nothing():
    assert decode(TEXT, "compress") == (b"", False)


def test_a_cut_gzip_body_gives_what_could_be_read():
    found, whole = decode(gzip.compress(TEXT)[:-12], "gzip")
    assert not whole
    assert TEXT.startswith(found)
    assert found


@pytest.mark.parametrize("maker", [gzip.compress, brotli.compress, zstandard.ZstdCompressor().compress])
def test_a_bomb_is_cut_at_the_limit(maker):
    encoding = {gzip.compress: "gzip", brotli.compress: "br"}.get(maker, "zstd")
    found, whole = decode(maker(b"\0" * 5_000_000), encoding, limit=10_000)
    assert len(found) <= 10_000
    assert not whole
