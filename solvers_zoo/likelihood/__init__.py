"""How probable data are under a model: log-likelihood, bits per dimension, the variational bound."""
