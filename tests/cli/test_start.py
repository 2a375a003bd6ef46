"""What `zoo list` leaves alone, so that it starts in about the time that its libraries take."""

from __future__ import annotations

import subprocess
import sys

#: Imported by other commands, by solvers when they run, or by nobody without need.
HEAVY = {
    "torch",
    "numpy",
    "scipy",
    "matplotlib",
    "altair",
    "duckdb",
    "loky",
    "yaml",
    "pydantic",
    "rich.table",
    "rich.console",
    "asyncio",
    "multiprocessing",
    "concurrent.futures",
    "http",
    "urllib.request",
    "sqlite3",
    "statistics",
    "decimal",
    "pickle",
    "faulthandler",
    "hashlib",
    "solvers_zoo.registry.reach",
    "solvers_zoo.cli.commands.bench",
    "solvers_zoo.cli.commands.sample",
    "solvers_zoo.cli.commands.train",
    "solvers_zoo.sampling.driver",
    "solvers_zoo.storage.source_file",
}


def test_zoo_list_imports_no_more_than_it_shows():
    code = "import sys\nfrom solvers_zoo.cli import main\ntry:\n    main(['list'])\nexcept SystemExit:\n    pass\n"
    code += "sys.stdout.write('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "dpmpp-2m" in run.stdout
    assert not HEAVY & set(run.stdout.splitlines())
