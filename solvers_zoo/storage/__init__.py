"""Files: written whole or not at all, tensors with their card, locks, and folders that several machines write to."""
