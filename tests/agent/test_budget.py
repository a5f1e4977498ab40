import asyncio

import pytest
from tests.agent.conftest import FakeModel, says

from open_llm_proxy.agent.budget import BudgetedModel, BudgetError

BODY = {"model": "m", "messages": []}


def costing(cost, attempts=1):
    answer = says("42")
    answer.value["usage"]["cost"] = cost
    answer.attempts = attempts
    return answer


def ask(model, times):
    async def all_of_them():
        for _ in range(times):
            await model.complete(BODY)

    asyncio.run(all_of_them())


def test_calls():
    model = BudgetedModel(FakeModel(says("a"), says("b"), says("c")), max_calls=2)
    ask(model, 2)
    with pytest.raises(BudgetError, match="--max-calls 2: no call is left"):
        ask(model, 1)
    assert model.calls == 2


def test_a_call_that_was_made_twice_counts_twice():
    model = BudgetedModel(FakeModel(costing(0, attempts=2), says("b")), max_calls=2)
    ask(model, 1)
    with pytest.raises(BudgetError):
        ask(model, 1)


def test_dollars():
    inner = FakeModel(costing(0.4), costing(0.4), costing(0.4), costing(0.4))
    model = BudgetedModel(inner, max_cost=1)
    ask(model, 3)
    with pytest.raises(BudgetError, match=r"--max-cost 1: \$1\.2000 is spent") as caught:
        ask(model, 1)
    assert caught.value.exit.code == 3
    assert len(inner.bodies) == 3
    assert not model.is_cost_unknown


def test_nothing_to_spend_means_no_call():
    with pytest.raises(BudgetError):
        ask(BudgetedModel(FakeModel(says("a")), max_cost=0), 1)


def test_a_cost_that_nobody_names():
    model = BudgetedModel(FakeModel(says("a"), says("b")), max_cost=1)
    assert not model.is_cost_unknown
    ask(model, 2)
    assert model.is_cost_unknown
    assert not BudgetedModel(FakeModel()).is_cost_unknown


def test_no_limits():
    ask(BudgetedModel(FakeModel(*(costing(9) for _ in range(5)))), 5)
