"""Linear inverse problems and guidance: operators, the exact posterior, and models that see an observation."""
