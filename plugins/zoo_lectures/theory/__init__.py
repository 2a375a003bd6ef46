"""The theory of the lectures in numbers: Fokker-Planck residuals, early stopping, the total-variation lemma, transport."""
