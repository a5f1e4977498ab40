import pytest

from open_llm_proxy.config.destination import demo_destination, destination
from open_llm_proxy.config.reader import Reader
from open_llm_proxy.config.snapshot import StoreSettings

AWS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture
def store(tmp_path):
    def make(environ, *, problems=(), ca_file=None):
        reader = Reader(environ, cwd=tmp_path, below={}, below_path="")
        made = destination(reader, ca_file=ca_file)
        assert [problem.path for problem in reader.problems] == list(problems)
        return made

    return make


def test_nothing_is_set(store):
    assert store({}) == (StoreSettings(), [])


def test_both_keys_go_to_the_bucket_with_the_tables_defaults(store):
    assert store(AWS) == (
        StoreSettings(
            url="s3://logs-open-llm-proxy",
            s3_endpoint="http://rook-ceph-rgw-nautiluss3.rook",
            access_key_id="id",
            secret_access_key="secret",
        ),
        [],
    )


def test_bucket_endpoint_and_authorities_are_taken(store):
    environ = {**AWS, "LOG_BUCKET": "logs-cacao", "AWS_S3_ENDPOINT_URL": "https://s3.example"}
    made, _ = store(environ, ca_file="/ca.pem")
    assert (made.url, made.s3_endpoint, made.ca_file) == ("s3://logs-cacao", "https://s3.example", "/ca.pem")


def test_a_store_wins_over_a_bucket_and_goes_to_aws_unless_told(store):
    environ = {**AWS, "LOG_BUCKET": "logs-cacao", "LOG_STORE": "s3://mine/prefix"}
    made, warnings = store(environ)
    assert made == StoreSettings(url="s3://mine/prefix", access_key_id="id", secret_access_key="secret")
    assert warnings == []
    assert store({**environ, "AWS_S3_ENDPOINT_URL": "http://s3"})[0].s3_endpoint == "http://s3"


@pytest.mark.parametrize("url", ["gs://mine", "az://mine/p", "file:///var/logs"])
def test_another_store_gets_no_s3_settings(store, url):
    assert store({**AWS, "LOG_STORE": url, "AWS_S3_ENDPOINT_URL": "http://s3"})[0] == StoreSettings(url=url)


def test_a_region_goes_with_a_bucket_of_s3(store):
    assert store({**AWS, "AWS_REGION": "eu-west-1"})[0].region == "eu-west-1"
    assert store({"LOG_STORE": "s3://mine", "AWS_REGION": "eu-west-1"})[0].region == "eu-west-1"
    assert store({**AWS})[0].region is None


def test_the_folder_counts_only_without_a_store(store, tmp_path):
    assert store({"LOG_DIR": "logs"})[0] == StoreSettings(folder=str(tmp_path / "logs"))
    assert store({"LOG_DIR": "logs", **AWS})[0].folder is None
    assert store({"LOG_DIR": "logs", "LOG_STORE": "gs://mine"})[0].folder is None
    assert store({"LOG_DIR": "logs", "LOG_BUCKET": "logs-cacao"})[0].folder == str(tmp_path / "logs")


@pytest.mark.parametrize("name", list(AWS))
def test_half_a_pair_of_keys_is_no_store_and_is_said(store, name, tmp_path):
    made, (warning,) = store({name: AWS[name], "LOG_DIR": "logs"})
    assert made == StoreSettings(folder=str(tmp_path / "logs"))
    assert warning.startswith(f"{name} is set and ")
    made, (warning,) = store({name: AWS[name], "LOG_STORE": "s3://mine"})
    assert made == StoreSettings(url="s3://mine")


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({**AWS, "LOG_BUCKET": "logs-<your-namespace>"}, "LOG_BUCKET"),
        ({"LOG_STORE": "s3://logs-<your-namespace>"}, "LOG_STORE"),
    ],
)
def test_a_placeholder_is_refused_and_serving_goes_on(store, environ, name):
    made, (warning,) = store(environ)
    assert made == StoreSettings(refused=warning)
    assert warning.startswith(f"{name} still holds a placeholder (<)")


def test_a_placeholder_without_keys_is_nothing(store):
    assert store({"LOG_BUCKET": "logs-<your-namespace>"}) == (StoreSettings(), [])


def test_mistakes_are_found_in_variables_that_do_not_count(store):
    environ = {"LOG_STORE": "gs://x", "LOG_BUCKET": "s3://y", "AWS_S3_ENDPOINT_URL": "z", "AWS_ACCESS_KEY_ID": "ü"}
    made, _ = store(environ, problems=["LOG_BUCKET", "AWS_S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID"])
    assert made.url == "gs://x"


def test_the_demo_writes_to_a_folder_whatever_the_shell_holds(tmp_path):
    environ = {**AWS, "LOG_STORE": "s3://mine", "AWS_S3_ENDPOINT_URL": "malformed"}
    reader = Reader(environ, cwd=tmp_path, below={}, below_path="")
    assert demo_destination(reader, tmp_path) == StoreSettings(folder=str(tmp_path / "logs"))
    reader = Reader({**environ, "LOG_DIR": "/x"}, cwd=tmp_path, below={}, below_path="")
    assert demo_destination(reader, tmp_path) == StoreSettings(folder="/x")
    assert reader.problems == []
