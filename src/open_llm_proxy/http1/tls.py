"""The one TLS client context of a process (loading the roots takes 16 ms)."""

import ssl

import certifi

from open_llm_proxy.errors import UserError


def make_client_context(ca_file: str | None = None) -> ssl.SSLContext:
    """Verifying, TLS 1.2 or newer; the system's roots and certifi's, and those in ``ca_file`` (PEM) beside them.

    Raises:
        UserError: ``ca_file`` cannot be read or holds no certificate.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(certifi.where())
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise UserError(f"ca_file: {ca_file} cannot be used: {error}", "Give a readable PEM file") from error
    context.set_alpn_protocols(["http/1.1"])
    return context
