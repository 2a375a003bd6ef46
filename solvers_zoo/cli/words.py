"""Lengths of time in words."""

from __future__ import annotations


def about(seconds: float) -> str:
    """About how long something takes: ``5 s``, ``3 min``."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def took(seconds: float) -> str:
    """How long something took: ``5.1 s``, ``2.8 min``."""
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def measured(seconds: float | None) -> str:
    """A measured time, to three digits: ``1.23 ms``, ``5.12 s``, or a dash where there is none."""
    return "–" if seconds is None else f"{seconds * 1e3:.3g} ms" if seconds < 0.9995 else f"{seconds:.3g} s"


def clock(seconds: float) -> str:
    """Minutes and seconds: ``12:05``."""
    return f"{int(seconds // 60)}:{int(seconds % 60):02}"
