"""Studies are run as commands too, by the runner of the command line's tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "cli"))  # run_zoo
