"""Experiments: the same load in several settings, many times over, and what the differences are worth."""
