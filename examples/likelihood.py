"""How likely a model finds data: log p(x) along the flow beside the exact value, bits a dimension, the bound of the SDE.

    python examples/likelihood.py

All figures come with an estimate of their error.
"""

import solvers_zoo as zoo

model = zoo.model("mixture-2d", sde=zoo.VE(sigma_min=0.05, sigma_max=20.0))
x = zoo.sample(model, "heun", n=16).x.double()
exact = model.log_density(x, model.sde.at(model.sde.t_min))

# log p_T of where the flow ends, and the change of volume on the way. The error falls with the order of the solver.
for solver, steps in (("heun", 20), ("rk4", 20), ("rk4", 40)):
    found = zoo.log_likelihood(model, x, solver=solver, steps=steps)
    error = (found.log_p - exact).abs()
    print(
        f"{solver:5} {steps} steps   largest error {error.max():.1e} nats, by its own estimate {found.time_error.max():.1e}"
    )

# In many dimensions the trace is estimated by probes, and has a standard error.
probed = zoo.log_likelihood(model, x, method="flow", trace="hutchinson", probes=32, solver="rk4", steps=20)
off = ((probed.log_p - exact) / probed.trace_error).square().mean().sqrt()
print(f"32 probes        off by {off:.2f} of its standard errors, in the root mean square")

# Data on levels have probabilities: here 65 of them from -4 to 4 in each coordinate.
levels = (x * 8).round() / 8
bits = zoo.bits_per_dim(model, levels, levels=65, low=-4.0, high=4.0, steps=20)
print("bits             {:.3f} ± {:.3f} a dimension".format(*bits.mean))

# With the exact score the bound is tight: its mean over many draws is -log p.
bound = zoo.variational_bound(model, x, draws=256)
error = bound.error.square().mean().div(len(x)).sqrt()
print(f"bound of the SDE {bound.mean[0]:.3f} ± {error:.3f} nats; -log p is {-exact.mean():.3f} in the mean")
