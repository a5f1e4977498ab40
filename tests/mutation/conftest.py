import pytest
from tests.parts.requirement import require

from mutation.mutants import reach_mutmut


@pytest.fixture
def mutmut():
    reach_mutmut(require("mutmut"))
