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

from typing import TYPE_CHECKING, Any

import solvers_zoo as zoo
from solvers_zoo.bench.experiment import (
    Check,
    Checks,
    Experiment,
    Findings,
    Progress,
    Row,
    Rows,
    column,
    silent,
    slope,
    where,
)
from zoo_lectures.ncsn.numbers import (
    ANNEALED,
    BLUR,
    DATA,
    EACH,
    EPS,
    FALL,
    KNOWN,
    LEVELS,
    NCSN,
    PLAIN,
    UNKNOWN,
    Drawn,
    mask,
)

if TYPE_CHECKING:
    from torch import Tensor

    from zoo_lectures.ncsn.manifold import Fit


class NCSNStudy(Experiment):
    """Samples and completions of a noise conditional score network, and score matching on a circle with and without noise."""

    card = zoo.StudyCard(
        name="ncsn",
        title="Noise conditional score networks",
        claim="Score matching needs noise where data fill no space, Langevin dynamics needs it at many levels; with both it draws and "
        "completes digits.",
        source=NCSN(where="Sections 3.1 and 4, Algorithms 1 and 2, Figures 1, 4 and 6"),
        seconds=35,
        quick_seconds=8,
    )
    seed: int = zoo.option(0, help="seed of starts, noise, and the first weights of networks")

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Draw, complete, and train on the circle."""
        from zoo_lectures.ncsn import charts, manifold

        n, held, steps = (100, 40, 200) if quick else (898, 180, 1200)
        parts, done = 4 + len(KNOWN) + 2 * steps, 0

        def tell() -> None:
            nonlocal done
            done += 1
            progress(done, parts)

        model = zoo.model("digits-ncsn")
        reference, others = halves(n)
        runs = {DATA: others}
        for name in (ANNEALED, PLAIN):
            runs[name] = self.drawn(model, name, n)
            tell()
        rows = [measured(name, run, reference) for name, run in runs.items()]
        for name in KNOWN:
            rows.append(self.completed(model, name, held))
            tell()
        fits = {"clean": manifold.fit(manifold.CLEAN, steps, self.seed, tell)}
        fits["blurred"] = manifold.fit(BLUR, steps, self.seed, tell)
        rows += [trained(name, fit) for name, fit in fits.items()]
        rows += [{"part": "fall", "sigma": sigma, "loss": manifold.loss_on_the_circle(sigma)} for sigma in FALL]
        progress(parts, parts)
        return self.judge(
            rows,
            {
                "samples": lambda: charts.samples(runs, rows),
                "levels": lambda: charts.levels(self.by_level(model), model.sde.as_gaussian()),
                "inpainting": lambda: charts.inpainting({name: self.shown(model, name) for name in KNOWN}, rows),
                "manifold": lambda: charts.manifold([*fits.values()], rows),
            },
            ["Inpainting is of digits that the network was not trained on, and it is not told their class."],
        )

    def checks(self, rows: Rows) -> Checks:
        """Samples beside the data and the plain chain; completions; and training with and without noise."""
        by_name = {row["name"]: row for row in rows if "name" in row}
        data, annealed, plain, clean, blurred = (by_name[name] for name in (DATA, ANNEALED, PLAIN, "clean", "blurred"))
        yield Check("class", "annealed Langevin draws the digit that was asked for", annealed["agreement"], low=0.9)
        yield Check(
            "Frechet",
            "its digits are nearly as near to the data as other digits are: ratio",
            annealed["frechet"] / data["frechet"],
            high=1.5,
        )
        yield Check(
            "spread", "and as contrasted: ratio of standard deviations", annealed["std"] / data["std"], 0.93, 1.07
        )
        yield Check(
            "plain, class", "Langevin at the smallest level alone seldom draws it", plain["agreement"], high=0.3
        )
        yield Check(
            "plain, Frechet",
            "and is farther off than annealing: ratio",
            plain["frechet"] / annealed["frechet"],
            low=2.5,
        )
        halves = where(rows, part="inpainting")
        off, kept = max(column(halves, "known_off")), min(column(halves, "kept"))
        yield Check("known", "inpainting keeps what is known to within the last noise level", off, high=0.05)
        yield Check("completed", "most completed digits are of the class of the whole", kept, low=0.55)
        more = min(row["kept"] - row["pasted"] for row in halves)
        yield Check("pasted", "more than with another digit's half", more, low=0.1)
        fall = where(rows, part="fall")
        falls = -slope(column(fall, "sigma"), [-loss for loss in column(fall, "loss")])
        yield Check(
            "no minimum", "on the circle the loss of the score of blur sigma falls like 1/sigma^2", falls, 1.9, 2.1
        )
        yield Check(
            "clean",
            "training there does not settle: spread of the loss over its mean",
            clean["spread"] / abs(clean["loss"]),
            low=0.2,
        )
        yield Check("blurred", "with noise it does", blurred["spread"] / abs(blurred["loss"]), high=0.1)
        ratio = blurred["loss"] / blurred["minimum"]
        yield Check("blurred, loss", "to the least loss there is: ratio", ratio, 0.85, 1.05)
        yield Check("blurred, score", "and the score: squared error over square", blurred["error"], high=0.15)

    # -- runs ----------------------------------------------------------------------------------------------------------

    def annealed(self, model: zoo.ScoreModel, solver: str = "annealed-langevin", **more: Any) -> zoo.Result:
        """A chain of 200 evaluations at all levels, and a last denoise."""
        chain = f"{solver}(eps={EPS}, n_steps_each={EACH})"
        return zoo.sample(model, chain, steps=LEVELS - 1, seed=self.seed, grid="log-snr", denoise=True, **more)

    def drawn(self, model: zoo.NetworkModel, name: str, n: int) -> Drawn:
        """n digits at 200 evaluations and a last denoise; the plain chain starts uniformly in the range of the data."""
        if name == PLAIN:
            normal = zoo.SeededNoise(self.seed, range(n), (1, 8, 8)).start().fresh()
            chain = f"langevin(eps={EPS}, n_steps_each={LEVELS * EACH})"
            uniform = (normal / 2**0.5).erf()  # on [-1, 1]
            run = zoo.sample(model, chain, steps=1, x=uniform, seed=self.seed, grid="log-snr", denoise=True)
        else:
            run = self.annealed(model, n=n)
        return Drawn(run.x, model.default_condition(self.seed, range(n))["label"], run.nfe)

    def by_level(self, model: zoo.ScoreModel) -> Tensor:
        """Two of every digit at every level and at last denoised, (levels + 1, 20, 1, 8, 8)."""
        import torch

        run = self.annealed(model, n=20, condition={"label": torch.arange(10).repeat(2)}, trajectory=True)
        assert run.trajectory is not None
        return torch.cat((run.trajectory, run.x[None]))

    def complete(self, model: zoo.ScoreModel, name: str, x: Tensor) -> Drawn:
        """Digits of which a part is known, completed by Algorithm 2."""
        import torch

        classes = torch.full((len(x),), UNKNOWN)
        known = zoo.Inpainting(model, x, mask(name))
        run = self.annealed(known, "inpainting-langevin", n=len(x), condition={"label": classes})
        return Drawn(run.x, classes, run.nfe)

    def completed(self, model: zoo.ScoreModel, name: str, n: int) -> Row:
        """How well n held-out digits are completed."""
        import torch

        from solvers_zoo.metrics import digit_classes

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

    def shown(self, model: zoo.ScoreModel, name: str) -> tuple[Tensor, Tensor]:
        """One unseen digit of every class, (10, 1, 8, 8), and six completions of each, (10, 6, 1, 8, 8)."""
        import torch

        x, classes = unseen()
        firsts = torch.stack([x[classes == digit][0] for digit in range(10)])
        return firsts, self.complete(model, name, firsts.repeat_interleave(6, 0)).x.view(10, 6, 1, 8, 8)


# -- data and figures --------------------------------------------------------------------------------------------------


def halves(n: int) -> tuple[Tensor, Drawn]:
    """n of the digits, and n others with their classes; n is at most half of them."""
    from solvers_zoo.metrics import load_digits

    x, classes = load_digits()
    order = zoo.SeededNoise(0, range(len(x)), ()).data().uniform().argsort()
    return x[order[:n]].float(), Drawn(x[order[n : 2 * n]].float(), classes[order[n : 2 * n]], 0)


def unseen(n: int | None = None) -> tuple[Tensor, Tensor]:
    """The first n digits, or all of them, that were held out when `digits-ncsn` was trained, and their classes."""
    from solvers_zoo.metrics import load_digits

    x, classes = load_digits()
    record = zoo.read_card(zoo.model("digits-ncsn").checkpoints[0])["training"]
    order = zoo.SeededNoise(record["seed"], range(len(x)), ()).start().uniform().argsort()
    held = order[: round(len(x) * record["held_out"])][:n]
    return x[held].float(), classes[held]


def share(held: Tensor) -> float:
    """The share of entries that are true."""
    return float(held.double().mean())


def measured(name: str, run: Drawn, reference: Tensor) -> Row:
    """Agreement with the classes asked for, and distances from the reference in the shipped features."""
    from solvers_zoo.metrics import cubic, digit_classes, digit_features, discrepancy, frechet

    found, wanted = digit_features(run.x), digit_features(reference)
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
    row: Row = {"part": "manifold", "name": name, "sigma": fit.sigma}
    row |= {"loss": float(windows.mean()), "spread": float(windows.std())}
    return row if fit.sigma == CLEAN else {**row, **judged(fit, 4000)._asdict()}
