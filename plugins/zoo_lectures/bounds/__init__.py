"""Bounds on the error of a sampler: Girsanov, the kappa rule, likelihood weighting, variational bounds."""
