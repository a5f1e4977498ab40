"""What a replay may spend: calls of the model, and dollars, as far as its provider names them."""

from typing import Final

from open_llm_proxy.agent.events import OnEvent, ignore
from open_llm_proxy.agent.exits import Exit, SessionError
from open_llm_proxy.agent.jsonvalues import Object, as_object
from open_llm_proxy.agent.model import Completion, Model

SPENT: Final = Exit(3, "budget_spent")


class BudgetError(SessionError):
    """What may be spent is spent."""

    exit = SPENT


class BudgetedModel:
    """A ``Model`` that is not called any more once a limit is reached.

    Args:
        model: Who answers.
        max_calls: Calls that may be made, repeated ones among them; None: any number.
        max_cost: US dollars. The call that crosses it is the last one; None: any sum.
    """

    def __init__(self, model: Model, max_calls: int | None = None, max_cost: float | None = None) -> None:
        self.calls = 0
        self.cost: float | None = None
        self._model = model
        self._max_calls = max_calls
        self._max_cost = max_cost

    @property
    def is_cost_unknown(self) -> bool:
        """Whether a sum was set that cannot be watched, as no answer named a cost."""
        return self._max_cost is not None and self.calls > 0 and self.cost is None

    async def complete(self, body: Object, on_event: OnEvent = ignore) -> Completion:
        """As the protocol has it.

        Raises:
            BudgetError: Nothing is left to spend.
        """
        if self._max_calls is not None and self.calls >= self._max_calls:
            raise BudgetError(f"--max-calls {self._max_calls}: no call is left")
        if self._max_cost is not None and (self.cost or 0) >= self._max_cost:
            raise BudgetError(f"--max-cost {self._max_cost:g}: ${self.cost or 0:.4f} is spent")
        self.calls += 1
        completion = await self._model.complete(body, on_event)
        self.calls += completion.attempts - 1
        cost = as_object(completion.value.get("usage")).get("cost")
        if isinstance(cost, int | float):
            self.cost = (self.cost or 0) + cost
        return completion
