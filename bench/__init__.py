"""Benchmarks: every figure is a ratio against a ceiling that is taken in the same run."""
