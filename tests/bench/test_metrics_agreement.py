"""Metrics against independent implementations: POT, scipy, torchmetrics, and formulas summed by hand."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch
from metric_cases import F64, case, metric
from needs import needs

import solvers_zoo as zoo
from solvers_zoo.exact import Law
from solvers_zoo.metrics import distances, pairs
from solvers_zoo.metrics.reference import reference

with warnings.catch_warnings():  # its own, about the libraries that it looks for
    warnings.simplefilter("ignore")
    import ot


def normals(*shape: int, seed: int = 0, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed)) + shift


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("power", [1, 2])
def test_sliced_distances_are_those_of_pot(size, power):
    run = case("mixture-1d" if size == 1 else "mixture-2d" if size == 2 else zoo.model("mixture-5"), n=120, steps=6)
    x, y = run.x, run.exact(120)
    directions = distances.directions_of(x.shape[1])
    found = metric(f"sliced-w{power}").measure(run).value
    if power == 2:
        expected = ot.sliced_wasserstein_distance(x.numpy(), y.numpy(), projections=directions.numpy(), p=2)
    else:
        expected = np.mean([scipy.stats.wasserstein_distance((x @ u).numpy(), (y @ u).numpy()) for u in directions.mT])
    assert found == pytest.approx(expected, rel=1e-9)


def test_energy_is_scipys_square_on_the_line_but_for_the_diagonal():
    x, y = normals(300, 1), normals(300, 1, seed=1, shift=0.3)
    within = sum(float(pairs.distance(z, z).sum()) * (1 / (300 * 299) - 1 / 300**2) for z in (x, y))
    biased = scipy.stats.energy_distance(x[:, 0].numpy(), y[:, 0].numpy()) ** 2
    assert float(pairs.energy(x, y)) == pytest.approx(biased - within, rel=1e-10)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("n", [40, 700])
def test_means_over_pairs_are_sums_by_hand(size, n):
    x, y = normals(n, size, seed=2), normals(n + 3, size, seed=3, shift=0.2)

    def by_hand(of):
        xx, yy, xy = (
            np.asarray([[of(a, b) for b in t] for a in s]) for s, t in ((x[:9], x[:9]), (y[:9], y[:9]), (x[:9], y[:9]))
        )
        off = ~np.eye(9, dtype=bool)
        return 2 * xy.mean() - xx[off].mean() - yy[off].mean()

    width, few = 0.7, (x[:9], y[:9])
    assert float(pairs.energy(*few)) == pytest.approx(by_hand(lambda a, b: float((a - b).norm())), rel=1e-9)
    gauss = by_hand(lambda a, b: -math.exp(-float((a - b).square().sum()) / (2 * width**2)))
    assert float(pairs.discrepancy(*few, pairs.gauss(width))) == pytest.approx(gauss, rel=1e-9)
    # tiles, triangles and sorting say the same of many samples as one matrix does
    whole = (
        2 * torch.cdist(x, y).mean()
        - torch.cdist(x, x).sum() / (n * (n - 1))
        - torch.cdist(y, y).sum() / ((n + 3) * (n + 2))
    )
    assert float(pairs.energy(x, y)) == pytest.approx(float(whole), rel=1e-6)


def test_many_samples_are_compared_in_single_precision_well_enough(monkeypatch):
    x, y = normals(900, 3, seed=4), normals(900, 3, seed=5)
    double = pairs.discrepancy(x, y, pairs.distance)
    monkeypatch.setattr(pairs, "_MANY", 500)
    single = pairs.discrepancy(x, y, pairs.distance)
    assert single.dtype == F64
    assert 0 < abs(float(single - double)) < 1e-6  # chance alone shows 1e-3


def test_permutations_of_pairs_are_those_of_samples():
    rows = normals(60, 2, seed=6)
    quick = pairs.permuted(rows, 30, 50, pairs.distance)
    generator = torch.Generator().manual_seed(1)
    for value in quick:
        order = torch.randperm(60, generator=generator)
        assert float(value) == pytest.approx(float(pairs.energy(rows[order[:30]], rows[order[30:]])), abs=1e-5)


def test_frechet_is_scipys_matrix_root():
    x, y = normals(80, 6, seed=7), normals(90, 6, seed=8, shift=0.4) * 1.3
    first, second = np.cov(x.numpy().T), np.cov(y.numpy().T)
    root = scipy.linalg.sqrtm(first @ second).real
    expected = float((x.mean(0) - y.mean(0)).square().sum()) + np.trace(first + second - 2 * root)
    assert float(distances.frechet(x, y)) == pytest.approx(expected, rel=1e-9)
    assert float(distances.frechet(x[:4], y[:4])) > 0  # fewer samples than features: covariances of no full rank
    assert float(distances.frechet(x, x)) == pytest.approx(0, abs=1e-9)


@needs("torchmetrics")
@pytest.mark.filterwarnings("ignore:Metric .Kernel Inception Distance. will save:UserWarning")  # on being made
def test_image_distances_are_those_of_torchmetrics():
    """Of features of one's own: FID, and KID over one subset of all samples."""
    from torchmetrics.image import fid, kid

    class Flatten(torch.nn.Module):
        num_features = 12

        def forward(self, x):
            return x.reshape(len(x), -1)

    x, y = normals(60, 3, 2, 2, seed=9), normals(60, 3, 2, 2, seed=10, shift=0.2)
    frechet = fid.FrechetInceptionDistance(feature=Flatten(), input_img_size=(3, 2, 2)).set_dtype(F64)
    kernel = kid.KernelInceptionDistance(feature=Flatten(), subsets=1, subset_size=60)
    for theirs in (frechet, kernel):
        theirs.update(x, real=True)
        theirs.update(y, real=False)
    flat = [z.reshape(60, -1) for z in (x, y)]
    assert float(distances.frechet(*flat)) == pytest.approx(float(frechet.compute()), rel=1e-6)
    assert float(pairs.discrepancy(*flat, pairs.cubic)) == pytest.approx(float(kernel.compute()[0]), rel=1e-6)


def test_marginal_ks_is_scipys_of_the_worst_coordinate():
    run = case(n=300, steps=5)
    law = reference(run.law, run.point)
    each = [
        scipy.stats.ks_1samp(
            run.x[:, j].numpy(), lambda t, u=u: np.exp(Law.of(run.law, law.point, u).log_cdf(t))
        ).statistic
        for j, u in enumerate(torch.eye(2, dtype=F64))
    ]
    assert metric("marginal-ks").measure(run).value == pytest.approx(max(each), rel=1e-9)


def test_levels_of_many_kernels_come_from_a_table_good_to_1e_5():
    from solvers_zoo.metrics import levels

    model = zoo.model("digits")
    law = reference(model, model.sde.at(model.sde.t_min))
    x = np.linspace(-1.2, 1.2, 501)
    exact = levels._level(law, 20, x)
    assert exact == pytest.approx(np.interp(x, *levels._tabled(law, 20)), abs=2e-5)
    direction = torch.eye(64, dtype=F64)[20]
    assert exact == pytest.approx(np.exp(Law.of(model, law.point, direction).log_cdf(x)), abs=1e-12)


def test_log_density_distance_is_scipys_two_sample_statistic():
    run = case(n=250, steps=5)
    logs = [run.law.log_density(x, run.point).numpy() for x in (run.x, run.exact(250))]
    assert metric("log-density").measure(run).value == pytest.approx(scipy.stats.ks_2samp(*logs).statistic, abs=1e-12)


def test_mean_covariance_and_weights_by_numpy():
    run = case(n=150, steps=5)
    mean, cov = (table.numpy() for table in run.law.moments(run.point))
    x = run.x.numpy()
    assert metric("mean").measure(run).value == pytest.approx(np.linalg.norm(x.mean(0) - mean) / np.linalg.norm(mean))
    found = np.linalg.norm(np.cov(x.T) - cov) / np.linalg.norm(cov)
    assert metric("covariance").measure(run).value == pytest.approx(found)
    shares = run.law.responsibilities(run.x, run.point).mean(0) - run.law.weights
    assert metric("mode-weights").measure(run).value == pytest.approx(float(shares.abs().sum()) / 2)


def test_marginal_tv_is_the_authors_estimate():
    """Their bandwidth and range are those of their mixture, whose standard deviation is close to 3; any law has its own."""
    run = case("mixture-1d", n=400, steps=40)
    law = reference(run.law, run.point)
    std = float(law.cov.sqrt())
    span = {"low": float(law.mean) - 4 * std, "high": float(law.mean) + 4 * std}
    by_hand = distances.marginal_tv(
        run.x[:, 0], Law.of(run.law, run.point), bandwidth=std / 6 * (4 / 1200) ** 0.2, **span
    )
    assert metric("marginal-tv").measure(run).value == pytest.approx(float(by_hand), rel=1e-9)
