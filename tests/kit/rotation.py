"""Which solvers are examined today, and which more closely: a twentieth of them, others every day.

Methods that solve equations or choose their steps take ten seconds to a minute each and are examined on their day alone.
"""

from __future__ import annotations

import datetime
import zlib

from solvers_zoo import registry

BUNDLED = [entry for entry in registry.default().entries("solver") if entry.dist == "solvers-zoo"]
_DAYS = 20
_DAY = datetime.date.today().toordinal() % _DAYS
TODAY = [entry.card.name for entry in BUNDLED if zlib.crc32(entry.card.name.encode()) % _DAYS == _DAY]
DAILY = [
    entry.card.name for entry in BUNDLED if entry.card.name in TODAY or not (entry.card.implicit or entry.card.adaptive)
]
