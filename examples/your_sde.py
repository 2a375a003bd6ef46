"""Define your own forward process: here the square-root schedule of Diffusion-LM, on which every solver then runs.

    python examples/your_sde.py
    zoo sample --plugin examples/your_sde.py --sde square-root --model ring --solver unipc-3 --nfe 12
    zoo show --plugin examples/your_sde.py --kind sde square-root

A process is alpha and sigma, and its inverse in the log-SNR if it has a formula; drift, diffusion and velocities follow.
"""

from solvers_zoo import SDECard, Source, VariancePreserving, hookimpl, option
from solvers_zoo.numerics import exp, sqrt


class SquareRoot(VariancePreserving):
    """alpha^2 = 1 - sqrt(t), sigma^2 = sqrt(t): noise comes fast at first, as words survive little of it."""

    card = SDECard(
        name="square-root",
        title="Variance preserving, square root",
        formula="alpha = sqrt(1 - sqrt(t)), sigma = t^(1/4)",
        source=Source(authors="Li et al. 2022", title="Diffusion-LM", arxiv="2205.14217", where="Appendix A, s = 0"),
    )
    t_min: float = option(1e-6, help="end of sampling, where sigma is still positive", above=0.0)
    t_max: float = option(0.999, help="start of sampling; alpha is 0 at 1", above=0.0, high=1.0)

    def alpha(self, t):
        """sqrt(1 - sqrt(t))."""
        return sqrt(1 - sqrt(t))

    def sigma(self, t):
        """t^(1/4)."""
        return sqrt(sqrt(t))

    def dalpha(self, t):
        """-1 / (4 sqrt(t) alpha)."""
        return -1 / (4 * sqrt(t) * self.alpha(t))

    def t_of_lam(self, lam):
        """With sigma^2 = 1 / (1 + e^(2 lam)), t = sigma^4."""
        return 1 / (1 + exp(2 * lam)) ** 2


@hookimpl
def zoo_sdes():
    """What this file adds to the zoo."""
    return [SquareRoot]


if __name__ == "__main__":
    import solvers_zoo as zoo
    from solvers_zoo.metrics.distances import sliced_w1

    # Any target takes it, and a network that was trained on it: zoo.FunctionModel(network, sde=SquareRoot(), prediction="x0").
    model = zoo.model("ring", sde=SquareRoot())
    end, draws = model.sde.at(model.sde.t_min), zoo.SeededNoise(1, range(4000), (2,)).data()
    exact, other = model.draw(end, draws).chunk(2)
    found = {name: zoo.sample(model, name, nfe=20, grid="log-snr", n=2000).x for name in ("ddim", "unipc-3", "ddpm")}
    for name, x in {**found, "exact": other}.items():
        print(f"{name:8} sliced Wasserstein-1 distance from exact samples {sliced_w1(x, exact):.4f}")
