"""``python -m solvers_zoo.cli`` is ``zoo``."""

from __future__ import annotations

from solvers_zoo.cli import main

if __name__ == "__main__":
    main()
