"""Content codings are undone, bounded, and cut input gives what could be read."""

import gzip
import os
import zlib

import brotli
import pytest
import zstandard

from open_llm_proxy.answers.decode import MAX_MEMBERS, decode

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


@pytest.mark.parametrize("encoding", ["deflate", "br"])
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
    for encoding in ("gzip", "zstd"):
        assert decode(TEXT, encoding) == (TEXT, False, False)
        assert decode(TEXT, encoding, 100) == (TEXT[:100], True, False)


def test_zstd_frames_that_are_to_be_skipped_are():
    skipped = (0x184D2A5F).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"abc"
    frame = zstandard.ZstdCompressor().compress(TEXT)
    assert decode(skipped + frame + skipped + frame, "zstd") == (TEXT + TEXT, False, False)


@pytest.mark.parametrize("keep", [1, 3, 10, -4])
def test_a_cut_zstd_body_is_damaged(keep):
    found = decode(zstandard.ZstdCompressor().compress(TEXT)[:keep], "zstd")
    assert found.damaged
    assert TEXT.startswith(found.data)


def test_more_codings_than_anybody_stacks_are_not_undone():
    assert decode(TEXT, ", ".join(["identity"] * 20 + ["gzip"])).data == TEXT
    assert decode(TEXT, ", ".join(["gzip"] * 9)) == (b"", False, True)


@pytest.mark.parametrize(("encoding", "make"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)])
def test_members_follow_one_another_up_to_a_bound(encoding, make):
    """Each costs a copy of what follows it: a body of empty ones would keep the recorder busy for minutes."""
    assert decode(make(b"a") * MAX_MEMBERS, encoding).data == b"a" * MAX_MEMBERS
    assert decode(make(b"a") * (MAX_MEMBERS + 1), encoding) == (b"a" * MAX_MEMBERS, True, False)
    assert decode(b"", encoding) == (b"", False, False)


@pytest.mark.parametrize(("encoding", "make"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)])
def test_what_came_before_the_damage_is_kept(encoding, make):
    body = os.urandom(200_000)
    whole = make(body)
    cut = decode(make(TEXT) + whole[:-10], encoding)
    assert cut.damaged
    assert cut.data.startswith(TEXT + body[:60_000])
    spoilt = decode(make(TEXT) + whole[:10] + b"\xff" * 200, encoding)
    assert spoilt.damaged
    assert spoilt.data.startswith(TEXT)


def test_padding_behind_a_gzip_member_is_passed_over():
    assert decode(gzip.compress(TEXT) + bytes(100), "gzip") == (TEXT, False, False)
