"""For all tests: the repository's root is importable, so that ``tests.parts`` is, whatever way pytest was started."""

import os
import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parents[1]))

# CI must not depend on luck: the same examples each time there, fresh ones everywhere else. A busy machine is no finding.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("fresh", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "fresh")
