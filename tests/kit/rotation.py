"""Which solvers are examined today, and which more closely: a tenth of them, another one every day.

Methods that solve equations or choose their steps take ten seconds to a minute each and are examined on their day alone.
"""

from __future__ import annotations

import datetime
import zlib

from solvers_zoo import registry

BUNDLED = [entry for entry in registry.default().entries("solver") if entry.dist == "solvers-zoo"]
_TODAY = datetime.date.today().toordinal() % 10
TENTH = [entry.card.name for entry in BUNDLED if zlib.crc32(entry.card.name.encode()) % 10 == _TODAY]
DAILY = [
    entry.card.name for entry in BUNDLED if entry.card.name in TENTH or not (entry.card.implicit or entry.card.adaptive)
]
