import json

import pytest

from open_llm_proxy.agent.plan import JUDGE_PROMPT, NAME


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("a", True),
        ("a-B_9", True),
        ("", False),
        ("-a", False),
        ("a b", False),
        ("a/b", False),
        ("a.b", False),
        ("a" * 41, False),
    ],
)
def test_names_are_fit_for_paths(name, fits):
    assert bool(NAME.fullmatch(name)) is fits


def test_the_judge_is_told_the_form_of_its_reply():
    form = JUDGE_PROMPT.splitlines()[-1].replace("true or false", "true")
    assert json.loads(form) == {"passed": True, "reason": "one sentence"}


def test_a_plan_has_one_prompt_at_least(make_plan):
    plan = make_plan(prompts=None)
    assert [(prompt.name, prompt.text) for prompt in plan.prompts] == [("none", "")]
