"""The checks that make up a verdict: pure functions of one case."""
