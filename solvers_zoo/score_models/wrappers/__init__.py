"""Models made of other models: guidance, conditions, thresholding, counting; each is itself a score model."""
