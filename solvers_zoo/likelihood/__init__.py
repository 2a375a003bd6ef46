"""Likelihoods: along the probability flow, in bits a dimension, and the variational bound."""
