"""How samples agree with a linear observation: operators, models that see it, the exact posterior."""
