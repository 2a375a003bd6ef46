r"""Noise conditional score networks: why noise, why many levels, and what annealed Langevin dynamics makes of them.

`digits-ncsn` is a network of the score of handwritten digits at 20 noise levels, trained by the objective ``ncsn``. Here

- annealed Langevin dynamics draws digits with it, level by level, from 10 to 0.05: they are of the class that was asked for, and nearly
  as near to the data as other data are (Frechet distance of the shipped features);
- Langevin dynamics at the smallest level alone, at the same cost, draws hardly a digit;
- with half of a digit known, which the network was not trained on, Algorithm 2 draws the other half. The baseline that is pasted
  takes the other half from the completion of another digit;
- on data of a lower dimension than the space, a circle in the plane, plain score matching has no minimum; a little noise gives it one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo.bench.experiment import Check, Experiment, Findings, Progress, Row, column, silent, slope
from solvers_zoo.registry.card import Source, StudyCard
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.score_models.base import ScoreModel
    from zoo_lectures.ncsn.manifold import Fit

LEVELS = 20
#: Step at the last level, which is 0.4 sigma_L^2, and steps a level: 200 evaluations.
EPS, EACH = 0.001, 10
DATA, ANNEALED, PLAIN = "other digits", "annealed Langevin", "Langevin, smallest level"
#: What is known of a digit: rows and columns of its 8 x 8 pixels.
KNOWN = {"upper half": (slice(0, 4), slice(0, 8)), "left half": (slice(0, 8), slice(0, 4))}
#: "Of no known class", to the network.
UNKNOWN = 10
#: Noise levels of the circle that its own score is taken at, and that networks are trained at.
FALL, BLUR = (0.2, 0.1, 0.05, 0.025), 0.2


class Drawn(NamedTuple):
    """Digits, (n, 1, 8, 8), the classes that were asked for, and what it cost."""

    x: Tensor
    classes: Tensor
    nfe: int


class NCSNStudy(Experiment):
    """Samples and completions of a noise conditional score network, and score matching on a circle with and without noise."""

    card = StudyCard(
        name="ncsn",
        title="Noise conditional score networks",
        claim="Score matching needs noise where data fill no space, Langevin dynamics needs it at many levels; with both it draws and "
        "completes digits.",
        source=Source(
            authors="Song & Ermon 2019",
            title="Generative Modeling by Estimating Gradients of the Data Distribution",
            arxiv="1907.05600",
            where="Sections 3.1 and 4, Algorithms 1 and 2, Figures 1, 4 and 6",
        ),
        seconds=35,
        quick_seconds=8,
    )
    seed: int = option(0, help="seed of starts, noise, and the first weights of networks")

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Draw, complete, and train on the circle."""
        from solvers_zoo import registry
        from zoo_lectures.ncsn import charts as ncsn_charts
        from zoo_lectures.ncsn import manifold as ncsn_manifold

        n, held, steps = (100, 40, 200) if quick else (898, 180, 1200)
        parts, done = 4 + len(KNOWN) + 2 * steps, 0

        def tell() -> None:
            nonlocal done
            done += 1
            progress(done, parts)

        model, runs, rows = registry.model("digits-ncsn"), dict[str, Drawn](), []
        reference, runs[DATA] = halves(n)
        for name in (ANNEALED, PLAIN):
            runs[name] = self.drawn(model, name, n)
            tell()
        rows += [measured(name, run, reference) for name, run in runs.items()]
        for name in KNOWN:
            rows.append(self.completed(model, name, held))
            tell()
        fits = [ncsn_manifold.fit(sigma, steps, self.seed, tell) for sigma in (ncsn_manifold.CLEAN, BLUR)]
        rows += [trained(name, fit) for name, fit in zip(("clean", "blurred"), fits, strict=True)]
        rows += [{"part": "fall", "sigma": sigma, "loss": ncsn_manifold.loss_on_the_circle(sigma)} for sigma in FALL]
        progress(parts, parts)
        return Findings(
            rows,
            checks(rows),
            {
                "samples": lambda: ncsn_charts.samples(runs, rows),
                "levels": lambda: ncsn_charts.levels(self.by_level(model), model),
                "inpainting": lambda: ncsn_charts.inpainting({name: self.shown(model, name) for name in KNOWN}, rows),
                "manifold": lambda: ncsn_charts.manifold(fits, rows),
            },
            ["Inpainting is of digits that the network was not trained on, and it is not told their class."],
        )

    def drawn(self, model: ScoreModel, name: str, n: int) -> Drawn:
        """n digits at 200 evaluations and a last denoise; the plain chain starts uniformly in the range of the data."""
        from solvers_zoo.noise.seeded import SeededNoise
        from solvers_zoo.sampling.driver import sample

        more: dict[str, Any] = {"solver": f"annealed-langevin(eps={EPS}, n_steps_each={EACH})", "steps": LEVELS - 1}
        if name == PLAIN:
            normal = SeededNoise(self.seed, range(n), (1, 8, 8)).start().fresh()
            uniform = (normal / 2**0.5).erf()  # on [-1, 1]
            more = {"solver": f"langevin(eps={EPS}, n_steps_each={LEVELS * EACH})", "steps": 1, "x": uniform}
        run = sample(model, n=n, seed=self.seed, grid="log-snr", denoise=True, **more)
        return Drawn(run.x, model.default_condition(self.seed, range(n))["label"], run.nfe)

    def by_level(self, model: ScoreModel) -> Tensor:
        """Two of every digit at every level and at last denoised, (levels + 1, 20, 1, 8, 8)."""
        import torch

        from solvers_zoo.sampling.driver import sample

        run = sample(
            model,
            f"annealed-langevin(eps={EPS}, n_steps_each={EACH})",
            steps=LEVELS - 1,
            n=20,
            seed=self.seed,
            grid="log-snr",
            condition={"label": torch.arange(10).repeat(2)},
            denoise=True,
            trajectory=True,
        )
        assert run.trajectory is not None
        return torch.cat((run.trajectory, run.x[None]))

    def complete(self, model: ScoreModel, name: str, x: Tensor) -> Drawn:
        """Digits of which a part is known, completed by Algorithm 2."""
        import torch

        from solvers_zoo.sampling.driver import sample
        from solvers_zoo.score_models.wrappers.inpainting import Inpainting

        classes = torch.full((len(x),), UNKNOWN)
        run = sample(
            Inpainting(model, x, mask(name)),
            f"inpainting-langevin(eps={EPS}, n_steps_each={EACH})",
            steps=LEVELS - 1,
            n=len(x),
            seed=self.seed,
            grid="log-snr",
            denoise=True,
            condition={"label": classes},
        )
        return Drawn(run.x, classes, run.nfe)

    def completed(self, model: ScoreModel, name: str, n: int) -> Row:
        """How well n held-out digits are completed."""
        import torch

        from solvers_zoo.metrics.digits_features import digit_classes

        x, classes = unseen(n)
        known = mask(name)
        found = self.complete(model, name, x)
        pasted = torch.where(known, found.x, found.x.roll(1, 0))
        return {
            "part": "inpainting",
            "name": name,
            "n": n,
            "nfe": found.nfe,
            "kept": share(digit_classes(found.x) == classes),
            "pasted": share(digit_classes(pasted) == classes),
            "known_off": float((found.x - x)[known.expand_as(x)].square().mean().sqrt()),
        }

    def shown(self, model: ScoreModel, name: str) -> tuple[Tensor, Tensor]:
        """One unseen digit of every class, (10, 1, 8, 8), and six completions of each, (10, 6, 1, 8, 8)."""
        import torch

        x, classes = unseen()
        firsts = torch.stack([x[classes == digit][0] for digit in range(10)])
        return firsts, self.complete(model, name, firsts.repeat_interleave(6, 0)).x.view(10, 6, 1, 8, 8)


# -- data and figures --------------------------------------------------------------------------------------------------


def mask(name: str) -> Tensor:
    """True where a digit is known, (1, 8, 8)."""
    import torch

    known = torch.zeros(1, 8, 8, dtype=torch.bool)
    known[0][KNOWN[name]] = True
    return known


def halves(n: int) -> tuple[Tensor, Drawn]:
    """n of the digits, and n others with their classes; n is at most half of them."""
    from solvers_zoo.noise.seeded import SeededNoise
    from solvers_zoo.score_models.targets.digits import load_digits

    x, classes = load_digits()
    order = SeededNoise(0, range(len(x)), ()).data().uniform().argsort()
    return x[order[:n]].float(), Drawn(x[order[n : 2 * n]].float(), classes[order[n : 2 * n]], 0)


def unseen(n: int | None = None) -> tuple[Tensor, Tensor]:
    """The first n digits, or all of them, that were held out when `digits-ncsn` was trained, and their classes."""
    from solvers_zoo.noise.seeded import SeededNoise
    from solvers_zoo.score_models.checkpoints import read_card
    from solvers_zoo.score_models.targets.digits import load_digits
    from solvers_zoo.score_models.targets.networks import WEIGHTS

    x, classes = load_digits()
    record = read_card(WEIGHTS / "digits-ncsn.safetensors")["training"]
    order = SeededNoise(record["seed"], range(len(x)), ()).start().uniform().argsort()
    held = order[: round(len(x) * record["held_out"])][:n]
    return x[held].float(), classes[held]


def share(true: Tensor) -> float:
    """Of what is true."""
    return float(true.double().mean())


def measured(name: str, run: Drawn, reference: Tensor) -> Row:
    """Agreement with the classes asked for, and distances from the reference in the shipped features."""
    from solvers_zoo.metrics.digits_features import digit_classes
    from solvers_zoo.metrics.distances import frechet
    from solvers_zoo.metrics.features import features
    from solvers_zoo.metrics.pairs import cubic, discrepancy

    found, wanted = features("digits", run.x), features("digits", reference)
    return {
        "part": "samples",
        "name": name,
        "n": len(run.x),
        "nfe": run.nfe,
        "agreement": share(digit_classes(run.x) == run.classes),
        "frechet": float(frechet(found, wanted)),
        "kernel": float(discrepancy(found, wanted, cubic)),
        "std": float(run.x.std()),
    }


def trained(name: str, fit: Fit) -> Row:
    """The last half of a training: mean loss, and the spread of its windows' means; for blurred data, against the exact score."""
    from zoo_lectures.ncsn.manifold import CLEAN, judged

    windows = fit.windows()
    windows = windows[len(windows) // 2 :]
    row = {
        "part": "manifold",
        "name": name,
        "sigma": fit.sigma,
        "loss": float(windows.mean()),
        "spread": float(windows.std()),
    }
    return row if fit.sigma == CLEAN else {**row, **judged(fit, 4000)._asdict()}


def checks(rows: list[Row]) -> list[Check]:
    """What is claimed of all."""
    by_name = {row["name"]: row for row in rows if "name" in row}
    data, annealed, plain, clean, blurred = (by_name[name] for name in (DATA, ANNEALED, PLAIN, "clean", "blurred"))
    halves_ = [by_name[name] for name in KNOWN]
    falls = -slope(column(rows, "sigma", part="fall"), [-loss for loss in column(rows, "loss", part="fall")])
    return [
        Check("class", "annealed Langevin draws the digit that was asked for", annealed["agreement"], low=0.9),
        Check(
            "Frechet",
            "its digits are nearly as near to the data as other digits are: ratio",
            annealed["frechet"] / data["frechet"],
            high=1.5,
        ),
        Check("spread", "and as contrasted: ratio of standard deviations", annealed["std"] / data["std"], 0.93, 1.07),
        Check("plain, class", "Langevin at the smallest level alone seldom draws it", plain["agreement"], high=0.3),
        Check(
            "plain, Frechet",
            "and is farther off than annealing: ratio",
            plain["frechet"] / annealed["frechet"],
            low=2.5,
        ),
        Check(
            "known",
            "inpainting keeps what is known to within the last noise level",
            max(r["known_off"] for r in halves_),
            high=0.05,
        ),
        Check(
            "completed",
            "most completed digits are of the class of the whole",
            min(r["kept"] for r in halves_),
            low=0.55,
        ),
        Check("pasted", "more than with another digit's half", min(r["kept"] - r["pasted"] for r in halves_), low=0.1),
        Check("no minimum", "on the circle the loss of the score of blur sigma falls like 1/sigma^2", falls, 1.9, 2.1),
        Check(
            "clean",
            "training there does not settle: spread of the loss over its mean",
            clean["spread"] / abs(clean["loss"]),
            low=0.2,
        ),
        Check("blurred", "with noise it does", blurred["spread"] / abs(blurred["loss"]), high=0.1),
        Check("blurred, loss", "to the least loss there is: ratio", blurred["loss"] / blurred["minimum"], 0.85, 1.05),
        Check("blurred, score", "and the score: squared error over square", blurred["error"], high=0.15),
    ]
