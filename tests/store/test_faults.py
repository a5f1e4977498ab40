import pytest

from open_llm_proxy.store.faults import diagnose, diagnose_text


@pytest.mark.parametrize(
    ("text", "fault", "detail"),
    [
        ("Server: 403 : <Error><Code>RequestTimeTooSkewed</Code></Error>", "clock", "RequestTimeTooSkewed"),
        ("status code: 403 Forbidden <Code>AccessDenied</Code>", "credentials", "AccessDenied, 403 Forbidden"),
        ("status code: 404 Not Found", "bucket", "404 Not Found"),
        ("status code: 409 Conflict <Code>OperationAborted</Code>", "other", "OperationAborted, 409 Conflict"),
        ("status code: 503 Service Unavailable", "throttled", "503 Service Unavailable"),
        ("status code: 507 Insufficient Storage", "full", "507 Insufficient Storage"),
        ("URLError: timed out, kind: Timeout", "slow", "URLError: timed out, kind: Timeout"),
        ("URLError: Connection refused", "unreachable", "URLError: Connection refused"),
    ],
)
def test_an_errors_kind_and_the_words_that_matter(text, fault, detail):
    diagnosis = diagnose_text(text)
    assert (diagnosis.fault, diagnosis.detail) == (fault, detail)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("Generic S3 error: 403 Forbidden: 403 ", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY ("),
        ("Generic GCS error: status code: 403 Forbidden ", "check GOOGLE_APPLICATION_CREDENTIALS ("),
        (
            "PermissionDenied https://account.blob.core.windows.net/c/k",
            "check AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY (",
        ),
        ("Generic MicrosoftAzure error: error sending request", "check AZURE_STORAGE_ACCOUNT_NAME, and ca_file"),
    ],
)
def test_the_variables_are_those_of_the_store(text, variables):
    assert variables in str(diagnose_text(text))


def test_the_client_s_own_words_are_found_in_what_is_for_its_developers():
    text = 'Generic error, error sending request\n\nDebug source:\nHyper(message: "x", error: "invalid peer certificate: UnknownIssuer")'
    assert diagnose(OSError(text)).detail == "invalid peer certificate: UnknownIssuer"


def test_one_line_however_long_the_text_is():
    said = str(diagnose(ValueError("much\nto say " * 100)))
    assert "\n" not in said
    assert len(said) < 300
