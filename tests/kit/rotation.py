"""Which solvers are examined today, a third of them, measured again, a tenth, and examined with every option, a twentieth; others every day.

Methods that solve equations or choose their steps take ten seconds to a minute each and are examined closely on their day alone.
"""

from __future__ import annotations

import datetime
import zlib

from solvers_zoo import registry

BUNDLED = [entry for entry in registry.default().entries("solver") if entry.dist == "solvers-zoo"]
_DAY = datetime.date.today().toordinal()


def _turn(name: str, days: int) -> bool:
    return (zlib.crc32(name.encode()) + _DAY) % days == 0


#: Whose stored figures are measured again.
TENTH = [entry.card.name for entry in BUNDLED if _turn(entry.card.name, 10)]
#: Those of them that are examined with every option.
TODAY = [name for name in TENTH if _turn(name, 20)]
EXAMINED = [
    entry.card.name
    for entry in BUNDLED
    if entry.card.name in TODAY or (_turn(entry.card.name, 3) and not (entry.card.implicit or entry.card.adaptive))
]
