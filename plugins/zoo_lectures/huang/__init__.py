"""Huang et al.: total variation of deterministic samplers over the number of steps and the error of the score."""
