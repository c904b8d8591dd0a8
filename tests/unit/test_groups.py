"""Tests that share a lab or the ports of this machine run in one process."""

import pytest


@pytest.mark.xdist_group("acceptance")
def test_xdist_knows_the_groups(request: pytest.FixtureRequest) -> None:
    """It hears of them from the ends of the names alone."""
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("the tests do not run in groups: `make test` runs them so")
    assert request.node.nodeid.endswith("@acceptance")
