"""Scenarios of one's own: a YAML file, read with care, becomes a `Scenario` like the built-in demos."""
