"""Train the classifier of digits whose features and verdicts the figures of digit models use.

    python -m solvers_zoo.train.classifier --out solvers_zoo/score_models/weights/digits-features.safetensors

A fifth of the data is kept apart; images are blurred with noise of standard deviation 0.2, so that it looks at shapes and not at
single pixels, which generated images have a little of their own.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from solvers_zoo.metrics.digits_features import FILE, FORMAT, DigitsClassifier
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.storage.files import replace
from solvers_zoo.storage.safetensors import write_tensors
from solvers_zoo.train.data import load_data

_BATCH, _RATE, _NOISE, _HELD = 64, 2e-3, 0.2, 0.2


def train(epochs: int = 40, seed: int = 0) -> tuple[DigitsClassifier, dict[str, Any]]:
    """The classifier, and how well it does on digits that it has not seen."""
    data = load_data("digits")
    assert data.labels is not None
    order = SeededNoise(seed, range(len(data.x)), ()).data().uniform().argsort()
    held, rows = order[: round(len(order) * _HELD)], order[round(len(order) * _HELD) :]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = DigitsClassifier()
    each = len(rows) // _BATCH  # steps of an epoch
    total = epochs * each
    optimizer = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=total)
    for step in range(total):
        draws = SeededNoise(seed, range(len(rows)), ()).at(step // each)
        start = step % each * _BATCH
        batch = rows[draws.uniform().argsort()[start : start + _BATCH]]
        noise = SeededNoise(~seed, range(_BATCH), data.shape).at(step).fresh()
        loss = cross_entropy(net.logits(data.x[batch] + _NOISE * noise), data.labels[batch], label_smoothing=0.05)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        right = (net.logits(data.x[held]).argmax(1) == data.labels[held]).double().mean()
    return net.eval(), {
        "data": data.card(),
        "epochs": epochs,
        "seed": seed,
        "held_out": len(held),
        "accuracy": float(right),
    }


def main() -> None:
    """Train it and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FILE)
    out: Path = parser.parse_args().out
    torch.set_num_threads(1)
    net, facts = train()
    card = {
        "format": FORMAT,
        "command": shlex.join(["python", "-m", "solvers_zoo.train.classifier", *sys.argv[1:]]),
        **facts,
    }
    write_tensors(out, {name: value.half() for name, value in net.state_dict().items()}, card)
    replace(out.with_suffix(".json"), lambda file: file.write((json.dumps(card, indent=1) + "\n").encode()))
    sys.stdout.write(f"Wrote {out}: {facts['accuracy']:.1%} of {facts['held_out']} unseen digits are right.\n")


if __name__ == "__main__":
    main()
