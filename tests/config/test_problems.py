import pytest

from open_llm_proxy.config.problems import ConfigError, Problem, dotted, nearest, quoted, shown
from open_llm_proxy.errors import EXIT_USAGE, UserError


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("providers", "nimbus", "models", 2), "providers.nimbus.models[2]"),
        (("providers", "my-own", "endpoint"), "providers.my-own.endpoint"),
        (("thinking_models", "glm-4.7"), 'thinking_models["glm-4.7"]'),
        (("a b", 'q"'), '["a b"]["q\\""]'),
        (("x", "new\nline"), 'x["new\\u000aline"]'),
    ],
)
def test_a_path_reads_as_one_would_write_it(path, text):
    assert dotted(path) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (0.5, "0.5"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        ("abc", '"abc"'),
        ({}, "an object"),
        ([1], "a list"),
        ("x" * 100, '"' + "x" * 60 + '…"'),
        (10**90, "1" + "0" * 59 + "…"),
    ],
)
def test_what_was_there_is_shown_short(value, text):
    assert shown(value) == text


def test_a_shown_text_can_write_no_line_and_no_colour():
    assert quoted("a\nb\x1b[31m\ud800é") == '"a\\u000ab\\u001b[31m\\ud800é"'


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("api_key_envv", "api_key_env"),
        ("Models", "models"),
        ("model-prefixes", "model_prefixes"),
        ("thinking_model", "thinking_models"),
        ("zzz", None),
    ],
)
def test_the_nearest_known_word(word, known):
    assert nearest(word, ["endpoint", "api_key_env", "models", "model_prefixes", "thinking_models"]) == known


def test_an_error_holds_every_problem_however_it_is_printed():
    error = ConfigError(
        [Problem("providers.a.models[2]", "expected a string, got 3"), Problem("", "empty")], "/x/c.json"
    )
    assert isinstance(error, UserError)
    assert error.exit_code == EXIT_USAGE
    assert error.lines == (
        "wrong configuration (/x/c.json): 2 problems",
        "  providers.a.models[2]: expected a string, got 3",
        "  empty",
    )
    assert str(error) == "\n".join(error.lines)
    assert error.message == "wrong configuration (/x/c.json): providers.a.models[2]: expected a string, got 3; empty"


def test_one_problem_is_no_plural():
    assert ConfigError([Problem("a", "b")], "c.json").lines[0] == "wrong configuration (c.json): 1 problem"
