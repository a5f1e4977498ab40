import hashlib
from pathlib import Path

import pytest

from open_llm_proxy.config.reader import SECRET_BYTES, Reader, unfit


@pytest.fixture
def reading(tmp_path):
    def make(environ, below=()):
        return Reader(environ, cwd=tmp_path, below=dict(below), below_path="/x/.env")

    return make


def said(reader):
    return [str(problem) for problem in reader.problems]


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_empty_counts_as_unset(reading, text):
    reader = reading({"FLUSH_INTERVAL": text, "PROXY_KEY": text})
    assert reader.value("FLUSH_INTERVAL") is None
    assert reader.key("PROXY_KEY") is None
    assert (reader.sources, reader.problems) == ({}, [])


def test_a_value_and_where_it_came_from(reading):
    reader = reading({"FLUSH_INTERVAL": " 5 "})
    assert reader.value("FLUSH_INTERVAL") == 5
    assert reader.sources == {"FLUSH_INTERVAL": "environment FLUSH_INTERVAL"}


def test_a_malformed_value_names_the_variable_and_what_it_takes(reading):
    reader = reading({"METRICS_PORT": "off"})
    assert reader.value("METRICS_PORT") is None
    assert said(reader) == ['METRICS_PORT: expected a whole number from 0 to 65535, got "off"']


def test_a_key_from_a_file(reading, tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"sk-from-file\r\n")
    reader = reading({"NRP_API_KEY_FILE": str(path)})
    assert reader.key("NRP_API_KEY") == "sk-from-file"
    assert reader.sources == {"NRP_API_KEY": f"environment NRP_API_KEY_FILE ({path})"}
    assert reader.watched == {path: hashlib.sha256(b"sk-from-file\r\n").hexdigest()}


def test_a_relative_file_starts_at_the_working_folder(reading, tmp_path):
    (tmp_path / "secret").write_text("k")
    assert reading({"A_FILE": "secret"}).secret("A") == "k"


def test_an_empty_file_counts_as_unset_and_is_watched(reading, tmp_path):
    (tmp_path / "secret").write_text("\n")
    reader = reading({"A_FILE": "secret"})
    assert reader.secret("A") is None
    assert list(reader.watched) == [tmp_path / "secret"]
    assert reader.problems == []


def test_a_file_that_can_not_be_read_is_named_once(reading, tmp_path):
    reader = reading({"PROXY_KEY_FILE": "gone", "B_FILE": "."})
    assert reader.key("PROXY_KEY") is None
    assert reader.key("PROXY_KEY") is None
    assert reader.key("B") is None
    assert said(reader) == [
        f"PROXY_KEY_FILE: can't read {tmp_path / 'gone'}: No such file or directory",
        f"B_FILE: can't read {tmp_path}: Is a directory",
    ]


def test_a_file_that_holds_no_key(reading, tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "long").write_bytes(b"k" * (SECRET_BYTES + 1))
    reader = reading({"A_FILE": "binary", "B_FILE": "long", "C_FILE": "/dev/zero"})
    for name in "ABC":
        assert reader.secret(name) is None
    assert said(reader) == [
        f"A_FILE: {tmp_path / 'binary'} holds no text in UTF-8",
        f"B_FILE: {tmp_path / 'long'} is longer than any key ({SECRET_BYTES} bytes)",
        f"C_FILE: {Path('/dev/zero')} is longer than any key ({SECRET_BYTES} bytes)",
    ]


def test_both_forms_at_once_are_a_mistake(reading):
    reader = reading({"PROXY_KEY": "a", "PROXY_KEY_FILE": "b"})
    assert reader.key("PROXY_KEY") is None
    assert said(reader) == ["PROXY_KEY: set twice: PROXY_KEY and PROXY_KEY_FILE; keep one"]


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("a\nX: y", "holds a line break (character 2)"),
        ("a\x00", "holds a control character (character 2)"),
        ("\x7fa", "holds a control character (character 1)"),
        ("schlüssel", "holds what is not ASCII (character 5)"),
        ("\udcff", "holds what is not ASCII (character 1)"),
    ],
)
def test_a_key_that_fits_no_header_is_a_mistake_and_never_shown(reading, key, what):
    reader = reading({"NRP_API_KEY": key})
    assert reader.key("NRP_API_KEY") is None
    assert said(reader) == [f"NRP_API_KEY: {what}; keys are printable ASCII"]


def test_any_printable_ascii_fits():
    assert unfit("".join(map(chr, range(32, 127)))) is None


def test_a_salt_goes_into_json_so_it_need_not_be_ascii(reading):
    reader = reading({"A": "sälz", "B": "a\x01", "C": "\udcff"})
    assert reader.salt("A") == "sälz"
    assert reader.salt("B") is None
    assert reader.salt("C") is None
    assert [problem.path for problem in reader.problems] == ["B", "C"]


def test_the_process_wins_over_the_env_file(reading):
    reader = reading({"A": "process", "B": ""}, below={"A": "file", "B": "file", "C": "file", "D": " "})
    assert [reader.secret(name) for name in "ABCD"] == ["process", "file", "file", None]
    assert reader.sources["C"] == "environment C (from /x/.env)"


def test_a_key_of_the_process_wins_over_a_key_file_of_the_env_file_and_the_other_way_round(reading, tmp_path):
    (tmp_path / "secret").write_text("held")
    reader = reading({"A": "process", "B_FILE": "secret"}, below={"A_FILE": "gone", "B": "file"})
    assert (reader.secret("A"), reader.secret("B")) == ("process", "held")
    assert reader.problems == []


def test_a_folder_is_absolute(reading, tmp_path):
    reader = reading({"LOG_DIR": "./logs", "SPOOL_DIR": "/var/spool/x"})
    assert reader.folder("LOG_DIR") == str(tmp_path / "logs")
    assert reader.folder("SPOOL_DIR") == "/var/spool/x"
    assert reading({}).folder("LOG_DIR") is None
