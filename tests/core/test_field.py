"""The zoo holds the algorithms of the field, under the field's names; none is another one under a second name."""

from __future__ import annotations

import itertools

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.testing.problems import mixture_1d, mixture_2d
from solvers_zoo.testing.subject import Subject

#: Algorithms in the order of the survey of the field that the zoo was built from, with the names that stand for each.
FIELD = {
    1: ("DDPM ancestral sampling", "ddpm"),
    2: ("DDIM, eta = 0", "ddim"),
    3: ("DDIM, 0 < eta <= 1", "ddim(eta=0.5)"),
    4: ("inversion: data to noise", "ddim dpm-solver-2 dpm-solver-3"),
    5: ("Euler in sigma, with and without churn", "euler euler-churn"),
    6: ("Euler ancestral", "euler-ancestral"),
    7: ("Euler ancestral, rectified flow", "euler-ancestral-rf"),
    8: ("Euler-Maruyama", "euler-maruyama"),
    9: ("reverse diffusion", "reverse-diffusion"),
    10: ("annealed Langevin dynamics", "annealed-langevin"),
    11: ("predictor-corrector", "predictor-corrector predictor-corrector-batch-mean"),
    12: ("DMSE", "dmse"),
    13: ("EDM Heun", "heun"),
    14: ("EDM stochastic sampler", "edm-stochastic"),
    15: ("generic two-stage family", "generic-2 midpoint ralston"),
    16: ("DPM-Solver-2 in sigma (DPM2)", "dpm2"),
    17: ("DPM2 ancestral", "dpm2-ancestral"),
    18: ("Heun++", "heunpp2 heunpp2-published"),
    19: ("LMS, rho-AB-DEIS", "lms deis-rho-ab3"),
    20: ("v-space Adams-Bashforth", "v-ab"),
    21: ("PNDM", "pndm"),
    22: ("iPNDM 1-4", "ipndm-1 ipndm-2 ipndm-3 ipndm-4"),
    23: ("iPNDM with variable steps", "ipndm-v"),
    24: ("tAB-DEIS 1-3", "deis-tab1 deis-tab2 deis-tab3"),
    25: ("rho-RK-DEIS", "rk3 heun3 ralston3 vdh3 ssprk3 rk4"),
    26: ("DPM-Solver-2 and 3, single-step", "dpm-solver-2 dpm-solver-3"),
    27: ("DPM-Solver-fast", "dpm-solver-fast"),
    28: ("DPM-Solver-12 and -23, adaptive", "dpm-solver-12 dpm-solver-23"),
    29: ("DPM-Solver(2M), (3M) on eps", "dpm-solver-2m dpm-solver-3m"),
    30: ("DPM-Solver++(2S)", "dpmpp-2s"),
    31: ("DPM++ 2S ancestral", "dpmpp-2s-ancestral"),
    32: ("DPM-Solver++(3S)", "dpmpp-3s"),
    33: ("DPM-Solver++(2M)", "dpmpp-2m"),
    34: ("DPM-Solver++(3M)", "dpmpp-3m"),
    35: ("SDE-DPM-Solver(++) 1 and 2M", "exponential-sde(frozen=x0) dpmpp-2m-sde sde-dpm-solver-2m"),
    36: ("DPM++ SDE", "dpmpp-sde"),
    37: ("DPM++ 3M SDE", "dpmpp-3m-sde"),
    38: ("UniP and UniPC of any order", "unip unipc unipc(b=bh1) unipc(b=vary) unipc(order=6)"),
    39: ("DPM-Solver-v3", "dpm-solver-v3"),
    40: ("SA-Solver", "sa-solver sa-solver-pece"),
    41: ("ER-SDE-Solver-1, 2, 3", "er-sde-1 er-sde-2 er-sde-3"),
    42: ("SEEDS-2 and -3", "seeds-2 seeds-3"),
    43: ("RES single-step", "res-2s"),
    44: ("RES multistep", "res-2m res-3m"),
    45: ("gradient estimation", "gradient-estimation"),
    46: ("truncated Taylor with a JVP", "ttm"),
    47: ("Restart", "restart"),
    48: ("Gotta Go Fast", "ggf"),
    49: ("exponential Runge-Kutta", "etdrk2 etdrk3 etdrk4 krogstad strehmel-weiner friedli hochbruck-ostermann-4"),
    50: ("exponential Adams-Bashforth", "abnorsett-2 abnorsett-3 abnorsett-4"),
    51: ("Lawson Runge-Kutta", "lawson2 lawson4"),
    52: ("classical explicit Runge-Kutta", "rk38 dormand-prince tsitouras verner-6 dop853"),
    53: (
        "embedded adaptive Runge-Kutta",
        "adaptive-bosh3 adaptive-dopri5 adaptive-dopri8 adaptive-tsit5 torchdiffeq-dopri5",
    ),
    54: ("diagonally implicit Runge-Kutta", "sdirk2 trbdf2 kvaerno3 crouzeix qin-zhang pareschi-russo kencarp3"),
    55: (
        "fully implicit Runge-Kutta",
        "gauss-legendre-4 gauss-legendre-6 radau-ia-3 radau-iia-5 lobatto-iiia-4 lobatto-iiic-4",
    ),
    56: ("Milstein", "torchsde-milstein"),
    57: ("Roessler's stochastic Runge-Kutta", "sra1 torchsde-srk"),
    58: ("Stratonovich methods", "stochastic-heun torchsde-heun torchsde-midpoint torchsde-log-ode"),
    59: ("SEA and ShARK", "sea shark"),
    60: ("weak order 2", "dri1"),
    61: ("stabilised", "sk-rock"),
    62: ("underdamped Langevin", "baoab"),
    65: ("analytical first step", "afs"),
    66: ("CFG++", "cfgpp"),
    68: ("ParaDiGMS", "picard"),
    69: ("RePaint", "repaint"),
    71: ("ideal sampler", "ideal"),
}
#: Row 64, GITS, is a grid.
GRIDS = ("gits", "align-your-steps", "flow-shift", "beta", "laplace", "linear-quadratic")


@pytest.mark.parametrize("row", FIELD)
def test_the_zoo_holds(row):
    for name in FIELD[row][1].split(" ") if "(" not in FIELD[row][1] else FIELD[row][1].replace(", ", ",").split(" "):
        assert zoo.solver(name) is not None


@pytest.mark.parametrize("name", GRIDS)
def test_the_zoo_holds_the_grid(name):
    assert zoo.grid(name) is not None


def test_the_order_on_a_card_is_that_of_the_tableau():
    """Where it is given, as it takes a while to read it off."""
    held = 0
    for entry in registry.default().entries("solver"):
        tableau = getattr(zoo.solver(entry.qualified), "tableau", None)
        if hasattr(tableau, "order"):
            assert entry.card.order == tableau.order, entry.card.name
            held += 1
    assert held >= 60


def test_every_deterministic_solver_inverts_or_says_why():
    """Row 4 is no solver of its own: each runs on the increasing grid, from data to noise."""
    problem = mixture_2d()
    back = zoo.Grid(problem.model.sde, problem.grid(4).times[::-1])
    for card in zoo.solvers(stochastic=False):
        reason = zoo.solver(card.name).supports(problem.model.sde, back)
        assert reason is None or len(reason) > 20, card.name


@pytest.mark.slow
def test_at_least_ninety_solvers_differ():
    """Any two that are counted differ by more than 1e-6 on a mixture at 8 steps, on EDM or on OU; equivalents count once."""
    ends: dict[str, list[torch.Tensor]] = {}
    for entry in registry.default().entries("solver"):
        subject = Subject(zoo.solver(entry.qualified))
        runs = [(p, p.grid(8)) for p in (mixture_2d(), mixture_1d())]
        found = [subject.run(p.model, p.x, g) for p, g in runs if subject.solver.supports(p.model.sde, g) is None]
        if found and entry.dist == "solvers-zoo":
            ends[entry.card.name] = found
    same = {
        (a, b)
        for a, b in itertools.combinations(ends, 2)
        if all((x - y).abs().max() <= 1e-6 for x, y in zip(ends[a], ends[b], strict=False))
    }
    counted: list[str] = []
    for name in ends:
        if not any((other, name) in same for other in counted):
            counted.append(name)
    assert len(counted) >= 90, sorted(same)
