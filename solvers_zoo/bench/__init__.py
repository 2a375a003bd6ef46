"""Benchmarks: studies, the store of their cells, reports and recommendations."""
