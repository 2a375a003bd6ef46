"""Misprints of the sources, each shown to fail beside the corrected formula; the figures of Tomczak."""
