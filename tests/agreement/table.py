"""Measure all rows and write the tables of docs/agreement.md: ``python tests/agreement/table.py``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import diffusers_peer
import k_diffusion_peer
from harness import Row

PAGE = Path(__file__).parents[2] / "docs" / "agreement.md"
MARK = "<!-- measured: python tests/agreement/table.py -->\n"


def remark(row: Row, mended: float) -> str:
    """What differs, and what is left when it is mended."""
    if not row.differs:
        return ""
    if row.mend is None:
        return row.differs
    return f"{row.differs}; with `{row.mend[1]}` for `{row.mend[0]}`: {mended:.0e}"


def lines() -> Iterator[str]:
    """Both tables."""
    yield "| k-diffusion | zoo | difference | remark |\n|---|---|---|---|"
    for row in k_diffusion_peer.ROWS:
        bare = k_diffusion_peer.compare(dataclasses.replace(row, mend=None))
        yield f"| `{row}` | `{row.solver}` | {bare:.0e} | {remark(row, k_diffusion_peer.compare(row))} |"
    yield "\n| diffusers | zoo | in float64 | remark | as shipped |\n|---|---|---|---|---|"
    for row in diffusers_peer.ROWS:
        bare = diffusers_peer.compare(dataclasses.replace(row, mend=None))
        words, shipped = remark(row, diffusers_peer.compare(row)), diffusers_peer.compare(row, wide=False)
        yield f"| `{row}` | `{row.solver}` | {bare:.0e} | {words} | {shipped:.0e} |"


if __name__ == "__main__":
    words, *_ = PAGE.read_text().split(MARK)
    PAGE.write_text(words + MARK + "\n".join(lines()) + "\n")
