"""What stands behind the figures: what failed and why, the machines, and how to do it again."""

from __future__ import annotations

import json
import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from solvers_zoo.bench.record import DONE, Record
from solvers_zoo.bench.sweep import Sweep
from solvers_zoo.errors import ZooError

#: Cells that are named beside a reason, and sweeps that are told how to repeat.
NAMED, SWEEPS = 40, 5


def troubles(records: Sequence[Record], status: str) -> list[dict[str, Any]]:
    """Reasons of cells that ended in a status, the most frequent first, with the cells."""
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.status == status:
            groups[str(record.result.get("kind", "")), str(record.result["reason"])].append(record)
    return _listed(
        groups,
        lambda found: {
            "cells": [_words(record) for record in found[:NAMED]],
            "traceback": str(found[0].run.get("traceback", "")),
        },
    )


def unmeasured(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Metrics that some finished cells do not have, and why."""
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.status == DONE:
            for metric, reason in record.result["unmeasured"].items():
                groups[metric, reason].append(record)
    return _listed(groups, lambda found: {"cells": sorted({record.cell.model for record in found}), "traceback": ""})


def _listed(
    groups: Mapping[tuple[str, str], list[Record]], more: Callable[[list[Record]], dict[str, Any]]
) -> list[dict[str, Any]]:
    """A row for each kind and reason, the most frequent first."""
    return [
        {"kind": kind, "reason": reason, "count": len(found), **more(found)}
        for (kind, reason), found in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]


def _words(record: Record) -> str:
    cell = record.cell
    budget = (
        f"{cell.nfe} evaluations"
        if cell.nfe is not None
        else f"{cell.steps} steps"
        if cell.steps is not None
        else "its own steps"
    )
    return f"{cell.solver} on {cell.model}, {cell.grid}, {budget}, seed {cell.seed}"


def machines(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Machines and versions that computed the cells, those with most cells first."""
    found = Counter(
        json.dumps(record.run["machine"], sort_keys=False) for record in records if record.run.get("machine")
    )
    return [{"cells": count, **json.loads(text)} for text, count in found.most_common()]


def times(records: Sequence[Record]) -> str:
    """When the cells were computed, and how long that took, in a sentence."""
    finished = sorted(
        str(record.run["finished"])[:16].replace("T", " ") for record in records if record.run.get("finished")
    )
    took = sum(float(record.run.get("took", 0.0)) for record in records)
    if not finished:
        return "It is not known when the cells were computed."
    when = f"on {finished[0]}" if finished[0] == finished[-1] else f"between {finished[0]} and {finished[-1]}"
    work = (
        f"{took:.0f} seconds"
        if took < 120
        else f"{took / 60:.0f} minutes"
        if took < 7200
        else f"{took / 3600:.1f} hours"
    )
    return f"The cells were finished {when} UTC; they are {work} of work for one process."


def recipes(records: Sequence[Record], sweeps: Mapping[str, str], folder: str) -> list[dict[str, str]]:
    """How to compute the cells again: of every sweep that asked for them its name, command and TOML.

    Args:
        records: the cells.
        sweeps: texts of the store's sweeps by name; those that share no cell are left out.
        folder: the store's, as it is named in commands.

    """
    keys = {record.key for record in records}
    shared = []
    for name, text in sweeps.items():
        facts = json.loads(text)
        overlap = len(keys.intersection(facts["keys"]))
        if overlap:
            shared.append((overlap, name, facts.get("sweeps") or facts["studies"]))
    found = []
    for _, name, parts in sorted(shared, key=lambda each: (-each[0], each[1]))[:SWEEPS]:
        try:
            asked = [Sweep.of(part) for part in parts]
        except ZooError:  # of a zoo with other fields
            continue
        title = name if len(asked) == 1 else f"{name}, {len(asked)} parts"
        found.append(
            {
                "name": title,
                "command": "\n".join(_command(each, name, folder) for each in asked),
                "toml": "\n".join(each.text() for each in asked) if len(asked) == 1 else "",
            }
        )
    return found


def _command(sweep: Sweep, name: str, folder: str) -> str:
    """The line of shell that runs a sweep: what differs from the default."""
    default, words = Sweep().facts(), ["zoo", "bench"]
    for option, value in sweep.facts().items():
        if value == default.get(option):
            continue
        if option == "denoise":
            words.append("--denoise" if value else "--no-denoise")
        elif option == "plugins":
            words += [word for file in value for word in ("--plugin", file)]
        else:
            flag = "-n" if option == "n" else f"--{option}"
            words += [flag, ",".join(map(str, value)) if isinstance(value, list) else str(value)]
    return shlex.join([*words, "--store", folder, "--name", name])
