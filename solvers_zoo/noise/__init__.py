"""Addressed randomness."""
