"""For all tests: the repository's root is importable, so that ``tests.parts`` is, whatever way pytest was started."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
