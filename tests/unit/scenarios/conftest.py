"""Hypothesis for this package: a busy machine is slow, not wrong."""

from hypothesis import HealthCheck, settings

settings.register_profile("scenarios", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("scenarios")
