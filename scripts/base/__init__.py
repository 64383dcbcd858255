"""Makes `@base`, the model that runs begin from."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))  # what reads packages and finds shared runs is there
