"""TLS to providers: verified, by name and time, against the roots and an extra CA file."""

import asyncio
import datetime as dt
import ssl

import pytest
import trustme

from open_llm_proxy.errors import UserError
from open_llm_proxy.http1.tls import make_client_context


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def shake(net):
    """A handshake with a server that has ``certificate``: protocol, TLS version, and the names it was asked for."""

    def run(certificate, context, name, *, newest=ssl.TLSVersion.TLSv1_3):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(server)
        server.maximum_version = newest
        server.set_alpn_protocols(["h2", "http/1.1"])
        asked = []
        server.sni_callback = lambda _, wanted, __: asked.append(wanted)
        port = net.serve(asyncio.Protocol, ssl=server)
        transport, _ = net.run(
            net.loop.create_connection(asyncio.Protocol, "127.0.0.1", port, ssl=context, server_hostname=name)
        )
        session = transport.get_extra_info("ssl_object")
        agreed = session.selected_alpn_protocol(), session.version()
        transport.abort()
        net.settle()
        return *agreed, asked

    return run


def test_a_certificate_of_the_extra_authority_is_taken(authority, ca_file, shake):
    certificate = authority.issue_cert("provider.example")
    agreed = shake(certificate, make_client_context(ca_file), "provider.example")
    # HTTP/1.1 is what we speak, and the name is told (SNI)
    assert agreed == ("http/1.1", "TLSv1.3", ["provider.example"])


def test_tls_1_2_is_spoken(authority, ca_file, shake):
    certificate = authority.issue_cert("provider.example")
    agreed = shake(certificate, make_client_context(ca_file), "provider.example", newest=ssl.TLSVersion.TLSv1_2)
    assert agreed[1] == "TLSv1.2"


def test_nothing_older_is_spoken(ca_file):
    assert make_client_context(ca_file).minimum_version == ssl.TLSVersion.TLSv1_2


def refused(shake, certificate, context, name):
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        shake(certificate, context, name)
    return caught.value.verify_message


def test_an_authority_that_nobody_told_us_of_is_refused(authority, shake):
    certificate = authority.issue_cert("provider.example")
    assert "unable to get local issuer" in refused(shake, certificate, make_client_context(), "provider.example")


def test_another_authority_is_refused(ca_file, shake):
    certificate = trustme.CA().issue_cert("provider.example")
    assert refused(shake, certificate, make_client_context(ca_file), "provider.example")


@pytest.mark.parametrize("name", ["other.example", "sub.provider.example", "127.0.0.1"])
def test_a_wrong_host_name_is_refused(authority, ca_file, shake, name):
    certificate = authority.issue_cert("provider.example")
    assert "mismatch" in refused(shake, certificate, make_client_context(ca_file), name)


def test_an_expired_certificate_is_refused(authority, ca_file, shake):
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = authority.issue_cert("provider.example", not_before=past, not_after=past.replace(year=2021))
    assert "expired" in refused(shake, certificate, make_client_context(ca_file), "provider.example")


def test_the_public_roots_are_there_beside_the_extra_authority(ca_file):
    public = make_client_context().cert_store_stats()["x509_ca"]
    assert public > 50
    assert make_client_context(ca_file).cert_store_stats()["x509_ca"] == public + 1


def test_the_public_roots_do_not_depend_on_the_systems(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert ssl.create_default_context().cert_store_stats()["x509_ca"] == 0
    assert make_client_context().cert_store_stats()["x509_ca"] > 50


def test_a_ca_file_that_is_missing(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.pem") as caught:
        make_client_context(str(tmp_path / "nowhere.pem"))
    assert caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nMIIB\n"])
def test_a_ca_file_that_holds_none(tmp_path, content):
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(UserError):
        make_client_context(str(path))
