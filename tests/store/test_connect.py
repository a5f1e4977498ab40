import obstore
import pytest
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store

from open_llm_proxy.config.snapshot import StoreSettings
from open_llm_proxy.errors import UserError
from open_llm_proxy.store.connect import StoreOptions, connect

KEYS = StoreOptions(s3_endpoint="http://rgw.example/", access_key_id="a", secret_access_key="b")


def test_s3_is_path_style_over_plain_http_at_a_custom_endpoint():
    store = connect("s3://logs/some/prefix/", KEYS)
    assert isinstance(store, S3Store)
    assert store.prefix == "some/prefix"
    config = store.config
    assert config["bucket"] == "logs"
    assert config["endpoint"] == "http://rgw.example"
    assert config["access_key_id"] == "a"
    assert str(config["virtual_hosted_style_request"]).lower() == "false"
    assert store.client_options["allow_http"] in (True, "true")


def test_s3_without_keys_or_prefix():
    store = connect("s3://logs")
    assert store.prefix is None
    assert "access_key_id" not in store.config


def test_a_public_bucket_is_asked_unsigned_and_keys_come_first():
    assert str(connect("s3://logs", StoreOptions(anonymous=True)).config["skip_signature"]).lower() == "true"
    signed = StoreOptions(anonymous=True, access_key_id="a", secret_access_key="b")
    assert "skip_signature" not in connect("s3://logs", signed).config
    assert "skip_signature" not in connect("s3://logs").config


def test_an_address_that_is_none_is_refused_as_such():
    with pytest.raises(UserError, match=r"The store URL 's3://\[logs' cannot be read"):
        connect("s3://[logs")


@pytest.mark.parametrize("form", ["file://{}", "{}"])
def test_a_folder_is_a_store(tmp_path, form):
    folder = tmp_path / "with space" / "logs"
    url = form.format(str(folder).replace(" ", "%20") if "file" in form else folder)
    store = connect(url)
    assert isinstance(store, LocalStore)
    obstore.put(store, "2026-11-25/x.jsonl", b"{}\n")
    assert (folder / "2026-11-25" / "x.jsonl").read_bytes() == b"{}\n"


def test_other_clouds(monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    assert isinstance(connect("az://container/prefix"), AzureStore)
    monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")
    assert isinstance(connect("gs://bucket/prefix"), GCSStore)


def test_an_account_that_is_not_named():
    with pytest.raises(UserError) as caught:
        connect("az://container/prefix")
    assert str(caught.value).endswith(
        "cannot be opened: Generic MicrosoftAzure error: Account must be specified."
        " Check the URL, and AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"
    )


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://host/x", "no scheme that is known.*s3, gs, az, file"),
        ("s3://", "names no bucket.*s3://BUCKET"),
        ("file:///dev/null/x", "cannot be opened"),
    ],
)
def test_what_is_no_store_is_said_with_the_remedy(url, told):
    with pytest.raises(UserError, match=told):
        connect(url)


def test_an_extra_certificate_authority(tmp_path):
    import trustme

    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    assert connect("s3://logs", StoreOptions(ca_file=str(file))).client_options["root_certificate"]
    with pytest.raises(UserError, match="cannot be read"):
        connect("s3://logs", StoreOptions(ca_file=str(tmp_path / "none")))
    file.write_text("-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n")
    with pytest.raises(UserError, match="cannot be opened"):
        connect("s3://logs", StoreOptions(ca_file=str(file)))


def test_a_region_of_the_configuration():
    assert StoreOptions.of(StoreSettings()).region == "us-east-1"
    options = StoreOptions.of(StoreSettings(region="eu-west-1"))
    assert connect("s3://logs", options).config["region"] == "eu-west-1"
