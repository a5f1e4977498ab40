"""For all tests: the repository's root is importable, so that ``tests.parts`` is, whatever way pytest was started."""

import os
import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parents[1]))

# CI must not depend on luck: the same examples each time there, fresh ones everywhere else.
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")
