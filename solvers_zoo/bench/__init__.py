"""Which solver is best for a model and a budget: sweeps, their stored cells, reports, recommendations, cost."""
