"""Solvers: the interface that every solver implements, and the bases that most are written on: single steps, multistep, stages, exponential, adaptive."""
