"""Editing by latent codes: encoding, interpolation, and starts from noised data."""
