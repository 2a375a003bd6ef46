"""How files are kept: written whole or not at all, tensors with their card, locks, shared folders."""
