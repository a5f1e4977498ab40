import pytest

from open_llm_proxy.proxy.cors import EXPOSED, Cors

NAUTILUS = ["https://*.nrp-nautilus.io", "http://localhost:*"]
ALLOW = b"access-control-allow-origin: "


@pytest.mark.parametrize("origin", [None, b"https://any.example", b"null"])
def test_by_default_any_page_may_call(origin):
    lines = Cors(["*"]).lines(origin)
    assert ALLOW + b"*\r\n" in lines
    assert b"vary" not in lines


@pytest.mark.parametrize(
    "origin",
    [
        b"https://bosl-high-seas.nrp-nautilus.io",
        b"https://a.b.nrp-nautilus.io",
        b"HTTPS://A.NRP-Nautilus.io",
        b"http://localhost:5173",
    ],
)
def test_an_allowed_origin_is_named_back(origin):
    assert ALLOW + origin + b"\r\n" in Cors(NAUTILUS).lines(origin)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        b"null",
        b"http://a.nrp-nautilus.io",
        b"https://nrp-nautilus.io",
        b"https://a.nrp-nautilus.io.evil.example",
        b"https://evil.example/.nrp-nautilus.io",
        b"https://a.nrp-nautilusxio",
        b"https://a.nrp-nautilus.io:8443",
        b"xhttps://a.nrp-nautilus.io",
    ],
)
def test_any_other_origin_is_not(origin):
    assert ALLOW not in Cors(NAUTILUS).lines(origin)


@pytest.mark.parametrize("origin", [None, b"https://a.nrp-nautilus.io", b"https://evil.example"])
def test_an_answer_that_depends_on_the_origin_says_so(origin):
    assert b"vary: origin\r\n" in Cors(NAUTILUS).lines(origin)


def test_no_origins_allow_none():
    assert ALLOW not in Cors([]).lines(b"https://a.example")


@pytest.mark.parametrize("cors", [Cors(["*"]), Cors(NAUTILUS)])
def test_never_with_credentials(cors):
    fields = {b"origin": b"https://a.nrp-nautilus.io", b"access-control-request-headers": b"authorization"}
    assert b"credentials" not in cors.lines(fields[b"origin"]) + cors.preflight_lines(fields)


@pytest.mark.parametrize(
    "name",
    [
        b"x-llm-request-id",
        b"x-llm-provider",
        b"x-request-id",
        b"retry-after",
        b"server-timing",
        b"x-ratelimit-limit",
        b"x-ratelimit-remaining",
        b"x-ratelimit-reset",
        b"x-ratelimit-remaining-tokens",
        b"*",
    ],
)
def test_a_page_may_read_ours_and_the_rate_limits(name):
    assert name in EXPOSED.split(b", ")
    for cors in (Cors(["*"]), Cors(NAUTILUS)):
        assert b"access-control-expose-headers: " + EXPOSED in cors.lines(b"https://a.nrp-nautilus.io")


def test_origins_are_remembered_within_bounds():
    cors = Cors(NAUTILUS)
    for index in range(3000):
        assert ALLOW in cors.lines(b"https://a%d.nrp-nautilus.io" % index)
    assert len(cors._known) <= 1024
    assert ALLOW not in cors.lines(b"https://evil.example")
    assert ALLOW not in cors.lines(b"https://evil.example")


def preflight(cors, **fields):
    return cors.preflight_lines({name.replace("_", "-").encode(): value for name, value in fields.items()})


def test_a_preflight_allows_the_headers_that_the_browser_asks_for():
    asked = b"authorization,content-type,x-client,x-stainless-os"
    lines = preflight(Cors(["*"]), origin=b"https://a.example", access_control_request_headers=asked)
    assert b"access-control-allow-headers: " + asked + b"\r\n" in lines
    assert b"access-control-allow-methods: GET, POST, HEAD, OPTIONS\r\n" in lines
    assert b"access-control-max-age: " in lines


@pytest.mark.parametrize("asked", [b"", b"a\x00b", b'"quoted"', b"x" * 5000])
def test_a_preflight_that_asks_for_nothing_sensible_gets_the_usual(asked):
    lines = preflight(Cors(["*"]), origin=b"https://a.example", access_control_request_headers=asked)
    assert b"access-control-allow-headers: authorization, content-type, x-client" in lines


def test_a_preflight_of_a_page_that_may_not_call_allows_nothing():
    lines = preflight(Cors(NAUTILUS), origin=b"https://evil.example", access_control_request_headers=b"authorization")
    assert b"access-control-allow" not in lines


def test_a_public_page_may_call_a_proxy_on_a_private_address():
    allowed = b"access-control-allow-private-network: true\r\n"
    fields = {"origin": b"https://a.nrp-nautilus.io", "access_control_request_private_network": b"true"}
    assert allowed in preflight(Cors(NAUTILUS), **fields)
    assert allowed not in preflight(Cors(NAUTILUS), origin=fields["origin"])
    assert allowed not in preflight(Cors(NAUTILUS), **{**fields, "origin": b"https://evil.example"})
