import pytest

from open_llm_proxy.config.schema import Limits, Timeouts
from open_llm_proxy.http1.limits import EngineLimits


@pytest.mark.parametrize("field", [field for field in EngineLimits._fields if field != "send_s"])
def test_the_defaults_are_the_configurations(field):
    defaults = {**_fields(Limits()), **_fields(Timeouts())}
    assert getattr(EngineLimits(), field) == defaults[field]


def _fields(struct):
    return {name: getattr(struct, name) for name in struct.__struct_fields__}
