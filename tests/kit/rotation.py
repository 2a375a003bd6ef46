"""Which solvers are examined today, half of them, and which more closely: a twentieth, others every day.

Methods that solve equations or choose their steps take ten seconds to a minute each and are examined closely on their day alone.
"""

from __future__ import annotations

import datetime
import zlib

from solvers_zoo import registry

BUNDLED = [entry for entry in registry.default().entries("solver") if entry.dist == "solvers-zoo"]
_DAYS = 20
_DAY = datetime.date.today().toordinal() % _DAYS
_PLACE = {entry.card.name: zlib.crc32(entry.card.name.encode()) % _DAYS for entry in BUNDLED}
TODAY = [name for name, place in _PLACE.items() if place == _DAY]
HALF = [
    entry.card.name
    for entry in BUNDLED
    if entry.card.name in TODAY
    or (_PLACE[entry.card.name] % 2 == _DAY % 2 and not (entry.card.implicit or entry.card.adaptive))
]
