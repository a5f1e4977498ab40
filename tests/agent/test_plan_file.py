from pathlib import Path

import pytest

from open_llm_proxy.agent.gold import Gold
from open_llm_proxy.agent.mcp import Target
from open_llm_proxy.agent.plan import JUDGE_PROMPT, Choice, Judge, Prompt, Question
from open_llm_proxy.agent.plan_file import load_plan
from open_llm_proxy.agent.plan_table import PlanError
from open_llm_proxy.agent.settings import Settings
from open_llm_proxy.errors import UserError

SMALL = 'models = ["demo"]\n[[questions]]\nname = "q"\nask = "Hi?"\n'


@pytest.fixture
def load(tmp_path):
    def load(text, name="my plan.toml"):
        path = tmp_path / name
        path.write_text(text)
        return load_plan(path)

    return load


@pytest.fixture
def mistakes(load):
    def mistakes(text):
        with pytest.raises(PlanError) as caught:
            load(text)
        return list(caught.value.problems)

    return mistakes


def test_the_least_that_a_plan_needs(load):
    plan = load(SMALL)
    assert plan.name == "my-plan"
    assert plan.questions == (Question("q", ("Hi?",)),)
    assert plan.choices == (Choice("demo", "demo"),)
    assert (plan.prompts, plan.repeats, plan.parallel) == ((Prompt("none"),), 1, 4)
    assert (plan.origin, plan.proxy_url, plan.targets, plan.judge) == ("http://localhost", None, (), None)
    assert plan.base == Settings(session_id=plan.base.session_id)


def test_all_that_a_plan_may_say(load, tmp_path):
    (tmp_path / "brief.md").write_text("Be brief")
    (tmp_path / "judge.md").write_text("Judge")
    plan = load(
        """
name = "all"
origin = "https://parks.example.org/app"
proxy_url = "http://127.0.0.1:8002/v1"
mcp_urls = "http://127.0.0.1:8765/mcp"
mcp_commands = ["server --stdio"]
repeats = 3
parallel = 2
temperature = "none"
seed = 7
thinking = false
stream = true
max_turns = 5
timeout_s = 60
llm_timeout_s = 30.5
tool_timeout_s = 10
tool_result_max = 0
models = ["anthropic/claude-x", {id = "demo", name = "hot", temperature = 1.5, seed = 0, thinking = true}]
[judge]
model = "wise"
file = "judge.md"
temperature = "none"
[[prompts]]
name = "brief"
file = "brief.md"
[[prompts]]
name = "both"
text = "Be long"
mcp_prompt = "analyst"
[[questions]]
name = "one"
ask = ["How many?", "And on land?"]
gold = {numeric = 42, tolerance = 0.5, relative = 0.01, which = "last"}
[[questions]]
name = "two"
ask = "Name one"
gold = {exact = ["Rome", "Roma"], ignore_case = true}
[[questions]]
name = "three"
ask = "As JSON"
gold = {json = {a = [1, {b = "x"}]}}
[[questions]]
name = "four"
ask = "As JSON"
gold = {json = '{"a": null}'}
[[questions]]
name = "five"
ask = "Why?"
gold = {judge = "names a reason"}
""",
    )
    assert (plan.name, plan.origin, plan.proxy_url) == (
        "all",
        "https://parks.example.org/app",
        "http://127.0.0.1:8002/v1",
    )
    assert plan.targets == (Target(url="http://127.0.0.1:8765/mcp"), Target(command="server --stdio"))
    assert plan.choices == (
        Choice("anthropic-claude-x", "anthropic/claude-x", None, 7, False),
        Choice("hot", "demo", 1.5, 0, True),
    )
    assert plan.judge == Judge("wise", "Judge", None)
    assert plan.prompts == (Prompt("brief", "Be brief"), Prompt("both", "Be long", "analyst"))
    assert [question.gold for question in plan.questions] == [
        Gold("numeric", 42, 0.5, 0.01, "last"),
        Gold("exact", ("Rome", "Roma"), ignore_case=True),
        Gold("json", {"a": [1, {"b": "x"}]}),
        Gold("json", {"a": None}),
        Gold("judge", "names a reason"),
    ]
    base = plan.base
    assert (base.stream, base.max_turns, base.timeout_s, base.llm_timeout_s) == (True, 5, 60, 30.5)
    assert (base.tool_timeout_s, base.tool_result_max) == (10, 0)
    assert JUDGE_PROMPT not in plan.judge.prompt


def test_every_mistake_at_once(mistakes):
    found = mistakes(
        """
origin = "nope"
repeat = 2
repeats = "three"
models = ["demo", {idd = "x"}, 7, "demo", {id = "a", name = "a/b"}]
mcp_urls = ["stdio"]
[[prompts]]
name = "a b"
file = "none.md"
[[prompts]]
name = "c"
text = "x"
file = "none.md"
[[questions]]
name = "q"
ask = "Hi?"
gold = {numeric = "4", tolerence = 1}
[[questions]]
name = "Q"
ask = []
gold = {regex = "(", exact = "x"}
[[questions]]
name = "r"
ask = "x"
gold = {judge = "be nice"}
[[questions]]
name = "s"
ask = "x"
gold = {regex = "(", tolerance = 1}
[[questions]]
name = "t"
ask = "x"
gold = {json = "{", which = "second"}
[[questions]]
name = "u"
ask = "x"
gold = {json = [2026-11-24]}
"""
    )
    assert sorted(found) == sorted(
        [
            "repeat: no such key; did you mean repeats?",
            'repeats: "three" is not what is wanted: a whole number from 1 on',
            'origin: "nope" is not what is wanted: an http:// or https:// URL',
            'mcp_urls: "stdio" is not what is wanted: an http:// or https:// URL',
            "models[1].idd: no such key; did you mean id?",
            "models[1].id: is missing",
            "models[2]: 7 is not what is wanted: a table",
            "models[3]: the name demo is that of models[0], too",
            'models[4].name: "a/b" is not what is wanted: letters, digits, - and _, 40 at most',
            'prompts[0].name: "a b" is not what is wanted: letters, digits, - and _, 40 at most',
            next(one for one in found if one.startswith('prompts[0].file: "none.md" cannot be read')),
            "prompts[1].file: there is text, too; one of them is wanted",
            next(one for one in found if one.startswith('prompts[1].file: "none.md" cannot be read')),
            "questions[0].gold.tolerence: no such key; did you mean tolerance?",
            'questions[0].gold.numeric: "4" is not what is wanted: a number',
            "questions[1].ask: an empty list is not what is wanted: a text, or a list of texts",
            "questions[1].gold: one kind is wanted of exact, numeric, regex, json, judge; there are exact and regex",
            "questions[1]: the name Q is that of questions[0], too",
            "questions[2]: a gold answer that a model judges wants a table [judge] with a model",
            "questions[3].gold.tolerance: a gold answer of the kind regex takes none",
            next(one for one in found if one.startswith('questions[3].gold.regex: "(" is no regular expression')),
            next(one for one in found if one.startswith('questions[4].gold.json: "{" is no JSON')),
            "questions[4].gold.which: a gold answer of the kind json takes none",
            next(one for one in found if one.startswith('questions[4].gold.which: "second" is not what is wanted')),
            "questions[5].gold.json: dates and times are no JSON; write them as texts",
        ]
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "questions: is missing"),
        ("questions = []\nmodels = []", "models: an empty list is not what is wanted: a list that is not empty"),
        (SMALL.replace('name = "q"\n', ""), "questions[0].name: is missing"),
        (f"judge = 7\n{SMALL}", "judge: 7 is not what is wanted: a table"),
        (
            f"{SMALL}gold = {{}}",
            "questions[0].gold: one kind is wanted of exact, numeric, regex, json, judge; there is none",
        ),
        (f"{SMALL}gold = {{json = 'null'}}", "questions[0].gold.json: null alone is no answer"),
        (f"prompts = [7]\n{SMALL}", "prompts[0]: 7 is not what is wanted: a table"),
    ],
)
def test_a_mistake(mistakes, text, problem):
    assert problem in mistakes(text)


def test_what_is_no_plan_at_all(load):
    with pytest.raises(UserError, match="is no TOML"):
        load("models = [")
    with pytest.raises(UserError, match="cannot be read: No such file"):
        load_plan(Path("/nowhere/plan.toml"))
