"""``python -m solvers_zoo.testing.mutation``."""

import sys

from solvers_zoo.testing.mutation.run import main

if __name__ == "__main__":
    sys.exit(main())
