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


@pytest.mark.parametrize(("encoding", "data"), CODED, ids=range(len(CODED)))
def test_each_coding_is_undone(encoding, data):
    assert decode(data, encoding) == (TEXT, False, False)


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd"])
def test_garbage_gives_nothing_and_says_so(encoding):
    assert decode(b"\xff\xfe not compressed at all", encoding).damaged


def test_an_unknown_coding_gives_nothing():
    assert decode(TEXT, "compress").damaged


def test_a_cut_gzip_body_gives_what_could_be_read():
    found = decode(gzip.compress(TEXT)[:-12], "gzip")
    assert found.damaged
    assert found.data
    assert TEXT.startswith(found.data)


@pytest.mark.parametrize(
    "maker", [gzip.compress, brotli.compress, zstandard.ZstdCompressor().compress], ids=["gzip", "br", "zstd"]
)
def test_a_bomb_is_cut_at_the_limit(maker):
    encoding = {gzip.compress: "gzip", brotli.compress: "br"}.get(maker, "zstd")
    found = decode(maker(b"\0" * 5_000_000), encoding, 10_000)
    assert len(found.data) <= 10_000
    assert found.limited


def test_a_body_that_is_not_compressed_whatever_it_says_is_read_as_it_is():
    assert decode(TEXT, "gzip").data == TEXT
