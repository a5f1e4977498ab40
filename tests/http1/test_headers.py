import pytest

from open_llm_proxy.http1.headers import HOP_BY_HOP, tokens


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"close", [b"close"]),
        (b"Keep-Alive, Upgrade", [b"keep-alive", b"upgrade"]),
        (b"a,b", [b"a", b"b"]),
        (b" a\t, \tb ", [b"a", b"b"]),
        (b",, a,,b,", [b"a", b"b"]),  # RFC 9110 §5.6.1.2: empty members are to be ignored
        (b"", []),
        (b" , ", []),
        (b"x-close", [b"x-close"]),
    ],
)
def test_a_list_is_read_as_its_members(value, expected):
    assert tokens(value) == expected


@pytest.mark.parametrize(
    "name",  # RFC 9110 §7.6.1, RFC 9112 appendix C.2.2, and the two that speak of a proxy
    [
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"proxy-authenticate",
        b"proxy-authorization",
    ],
)
def test_hop_by_hop_fields(name):
    assert name in HOP_BY_HOP
