"""Times of numloss beside those of other libraries: ``python -m bench --help``."""

import sys
from pathlib import Path

# Where the losses' rows are (`cases`), their typical calls and the other libraries' formulas.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
